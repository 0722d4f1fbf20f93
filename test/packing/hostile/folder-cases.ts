// Hostile Hugging Face folders: config.json, safetensors headers, the index of shards.

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIGS, familyTensors, type Config } from '../../helpers/family-model.ts'
import { buildSafetensors, writeFolder } from '../../helpers/safetensors-builder.ts'
import { checkpoint, nested, noFiles, write, writeHole, type HostileCase } from './case.ts'

const { mistral } = CONFIGS

const CONFIG = 'config.json'
const WEIGHTS = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const EMBEDDING = 'model.embed_tokens.weight'

/** A good folder without one file, for another thing in its place. */
const lacking =
  (file: string) =>
  (folder: string): void => {
    checkpoint(folder)
    rmSync(join(folder, file))
  }

const configCase = (name: string, content: string | Uint8Array): HostileCase => ({
  name: `config.json ${name}`,
  file: CONFIG,
  make: (folder) => {
    checkpoint(folder)
    write(folder, CONFIG, content)
  },
})
const valueCase = (changes: Config): HostileCase => ({
  // Where each is possible by itself, they do not fit the tensors.
  ...configCase(`with ${JSON.stringify(changes).slice(0, 60)}`, JSON.stringify({ ...mistral, ...changes })),
  file: /config\.json|model\.safetensors/,
})

const CONFIGS_OF_NOTHING: HostileCase[] = [
  { name: 'a folder without config.json', file: CONFIG, make: lacking(CONFIG) },
  ...noFiles(CONFIG, lacking(CONFIG)),
  ...['', '[]', '"llama"', 'null', '{"model_type": "llama"', '\u0000'].map((text) =>
    configCase(`of ${JSON.stringify(text)}`, text),
  ),
  configCase('that is no UTF-8', Uint8Array.of(0xff, 0xfe, 0x7b, 0x7d)),
  configCase('of half a million lists inside each other', `{"a": ${nested(500_000)}}`),
  configCase('with a key twice', `{"model_type": "mistral", ${JSON.stringify(mistral).slice(1)}`),
  {
    name: 'config.json of 3 MB of nothing',
    file: CONFIG,
    make: (folder) => {
      checkpoint(folder)
      writeHole(folder, CONFIG, 3_000_000)
    },
  },
  {
    name: 'a config.json given by itself that is a named pipe',
    file: CONFIG,
    make: (folder) => {
      noFiles(CONFIG, () => undefined)[1].make(folder)
      return join(folder, CONFIG)
    },
  },
]

const CONFIG_VALUES: HostileCase[] = [
  ...[0, -1, 40.5, 1e300, '40', [40], {}, true].map((hidden_size) => valueCase({ hidden_size })),
  ...[0, 1e9, -2].map((num_hidden_layers) => valueCase({ num_hidden_layers })),
  ...[0, 1e6, 7].map((num_attention_heads) => valueCase({ num_attention_heads })),
  ...[0, 2].map((num_key_value_heads) => valueCase({ num_key_value_heads })),
  ...[0, 13, 1e6].map((head_dim) => valueCase({ head_dim })),
  ...[0, 1e12, 89].map((vocab_size) => valueCase({ vocab_size })),
  ...[0, -5, 2 ** 40].map((max_position_embeddings) => valueCase({ max_position_embeddings })),
  ...[0, -1, 1e300, '1e-5'].map((rms_norm_eps) => valueCase({ rms_norm_eps })),
  ...[0, -10000, 1e300].map((rope_theta) => valueCase({ rope_theta })),
  valueCase({ sliding_window: 0 }),
  valueCase({ hidden_act: 'relu' }),
  valueCase({ tie_word_embeddings: 'no' }),
  valueCase({ rope_scaling: 'linear' }),
  valueCase({ rope_scaling: { type: 'linear', factor: 0 } }),
  valueCase({ rope_scaling: { type: 'of my own' } }),
  valueCase({ model_type: 'mamba' }),
  valueCase({ model_type: ['mistral'] }),
  valueCase({ model_type: 'x'.repeat(1e6) }),
]

const headerCase = (
  name: string,
  edit: (entry: Record<string, unknown>, all: Record<string, unknown>) => unknown,
): HostileCase => ({
  name: `a safetensors header with ${name}`,
  file: WEIGHTS,
  make: (folder) => {
    checkpoint(folder)
    const bytes = buildSafetensors(familyTensors(mistral), (all) => {
      edit(all[EMBEDDING] as Record<string, unknown>, all)
    })
    write(folder, WEIGHTS, bytes)
  },
})
const fileCase = (name: string, spoil: (file: Buffer) => Uint8Array): HostileCase => ({
  name: `a safetensors file ${name}`,
  file: WEIGHTS,
  make: (folder) => {
    checkpoint(folder)
    write(folder, WEIGHTS, spoil(readFileSync(join(folder, WEIGHTS))))
  },
})
/** A file whose header is this text. */
const textCase = (name: string, header: string): HostileCase =>
  fileCase(`whose header ${name}`, () => {
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)))
    return Buffer.concat([length, Buffer.from(header), Buffer.alloc(64)])
  })

const SAFETENSORS: HostileCase[] = [
  { name: 'a folder without weights', file: WEIGHTS, make: lacking(WEIGHTS), inspect: 'accepts' },
  ...noFiles(WEIGHTS, lacking(WEIGHTS)),
  ...['I64', 'F64', 'F8_E4M3', 7, undefined].map((dtype) =>
    headerCase(`elements of ${String(dtype)}`, (entry) => (entry.dtype = dtype)),
  ),
  headerCase('offsets past the file', (entry) => (entry.data_offsets = [1e9, 1e9 + 14400])),
  headerCase('offsets past all integers', (entry) => (entry.data_offsets = [2 ** 60, 2 ** 60 + 14400])),
  headerCase('offsets in reverse', (entry) => (entry.data_offsets = [14400, 0])),
  headerCase('negative offsets', (entry) => (entry.data_offsets = [-14400, 0])),
  headerCase('offsets of text', (entry) => (entry.data_offsets = ['0', '14400'])),
  headerCase('three offsets', (entry) => (entry.data_offsets = [0, 14400, 14400])),
  headerCase('a length of another shape', (entry) => (entry.shape = [90, 41])),
  headerCase('a shape of the config of another', (entry) => (entry.shape = [45, 80])),
  headerCase('a huge shape', (entry) => (entry.shape = [2 ** 40, 2 ** 40])),
  headerCase('a shape of a million ones', (entry) => (entry.shape = new Array(1e6).fill(1))),
  headerCase('a tensor over another', (_, all) => {
    ;(all['model.norm.weight'] as Config).data_offsets = [160, 320]
  }),
  headerCase('no description', (_, all) => (all['model.norm.weight'] = null)),
  headerCase('a tensor that nobody uses', (_, all) => {
    all['model.extra'] = { dtype: 'F32', shape: [0], data_offsets: [0, 0] }
  }),
  headerCase('a tensor less', (_, all) => delete all['model.norm.weight']),
  fileCase('of nothing', () => new Uint8Array(0)),
  fileCase('of half a length', (file) => file.subarray(0, 5)),
  fileCase('of half a header', (file) => file.subarray(0, 100)),
  fileCase('without its last byte', (file) => file.subarray(0, -1)),
  fileCase('with a header as long as memory', (file) =>
    Buffer.concat([Buffer.from('ffffffffffffff7f', 'hex'), file]),
  ),
  textCase('is a list', '[]'),
  textCase('is no JSON', 'x'),
  textCase('is half a million lists inside each other', `{"a": ${nested(500_000)}}`),
  textCase('has a tensor twice', '{"a": {}, "a": {}}'),
  textCase(
    'has 70,000 tensors',
    `{${Array.from({ length: 70_000 }, (_, i) => `"${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`).join()}}`,
  ),
  {
    name: 'a safetensors file of 30 MB, of which 15 are header and nothing',
    file: WEIGHTS,
    make: (folder) => {
      checkpoint(folder)
      writeHole(folder, WEIGHTS, 30_000_000, Buffer.from('c0e1e40000000000', 'hex'))
    },
  },
  {
    name: 'a weight that is no number',
    file: WEIGHTS,
    inspect: 'accepts',
    make: (folder) => {
      const tensors = familyTensors(mistral)
      tensors[3].values[17] = NaN
      writeFolder(folder, mistral, [tensors])
    },
  },
  ...['pytorch_model.bin', 'consolidated.00.pth'].map((pickle) => ({
    name: `a pickle, ${pickle}`,
    file: pickle,
    inspect: 'accepts' as const, // as a config alone
    make: (folder: string) => {
      lacking(WEIGHTS)(folder)
      write(folder, pickle, 'PK')
    },
  })),
]

const SHARDS = ['model-1-of-2.safetensors', 'model-2-of-2.safetensors']

function split(folder: string): string[] {
  const tensors = familyTensors(mistral)
  writeFolder(folder, mistral, [tensors.slice(0, 5), tensors.slice(5)])
  return tensors.map(({ name }) => name)
}

const indexCase = (name: string, content: string | object, file = INDEX): HostileCase => ({
  name: `an index ${name}`,
  file,
  make: (folder) => {
    split(folder)
    write(folder, INDEX, content)
  },
})
const mapCase = (name: string, weight_map: unknown, file = INDEX): HostileCase =>
  indexCase(name, { weight_map }, file)

const INDEXES: HostileCase[] = [
  mapCase(
    'that names a missing shard',
    { a: SHARDS[0], b: 'model-3-of-3.safetensors' },
    'model-3-of-3.safetensors',
  ),
  mapCase('that names half of the shards', { a: SHARDS[0] }, SHARDS[0]),
  mapCase('that names a path outside', { a: '../secret.safetensors' }),
  mapCase('that names an absolute path', { a: '/etc/x.safetensors' }),
  mapCase('that names a path with a zero in it', { a: 'x\u0000.safetensors' }),
  mapCase('that names pickles', { a: 'pytorch_model.bin' }),
  mapCase('that names numbers', { a: 1, b: {} }),
  mapCase('that names nothing', {}),
  mapCase('that is a text', 'model.safetensors'),
  mapCase(
    'that names 2000 files',
    Array.from({ length: 2000 }, (_, i) => `${i}.safetensors`),
  ),
  indexCase('without a map', {}),
  indexCase('that is a list', '[]'),
  indexCase('that is no JSON', '{'),
  indexCase('of half a million lists inside each other', `{"weight_map": ${nested(500_000)}}`),
  ...noFiles(INDEX, (folder) => {
    split(folder)
    rmSync(join(folder, INDEX))
  }),
  ...noFiles(SHARDS[1], (folder) => {
    split(folder)
    rmSync(join(folder, SHARDS[1]))
  }),
  {
    name: 'shards that both have a tensor',
    file: SHARDS[1],
    make: (folder) => {
      split(folder)
      write(folder, SHARDS[1], buildSafetensors(familyTensors(mistral)))
    },
  },
]

export const FOLDER_CASES = [...CONFIGS_OF_NOTHING, ...CONFIG_VALUES, ...SAFETENSORS, ...INDEXES]
