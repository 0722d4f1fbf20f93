// Hostile tokenizers of every format, in folders and in GGUF files, and settings beside them.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIGS } from '../../helpers/family-model.ts'
import { TINY, type GgufParts, type Value } from '../../helpers/gguf-builder.ts'
import { checkpoint, nested, noFiles, write, writeHole, type HostileCase } from './case.ts'
import { ggufCase } from './gguf-cases.ts'

const JSON_FILE = 'tokenizer.json'
const SETTINGS = 'tokenizer_config.json'
const GENERATION = 'generation_config.json'
const PIECES = 'tokenizer.model'

const LETTERS = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i))
const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, use_regex: true }

type Parts = { model: Record<string, unknown>; added_tokens?: unknown; [part: string]: unknown }

/** A good byte-level tokenizer of 28 tokens. */
function goodJson(): Parts {
  const names = [...LETTERS, 'ab', 'abc']
  const vocab = Object.fromEntries(names.map((name, id) => [name, id]))
  return {
    model: { type: 'BPE', vocab, merges: ['a b', 'ab c'] },
    pre_tokenizer: BYTE_LEVEL,
    normalizer: null,
    added_tokens: [],
  }
}

const jsonText = (name: string, text: string): HostileCase => ({
  name: `tokenizer.json ${name}`,
  file: JSON_FILE,
  make: (folder) => {
    checkpoint(folder)
    write(folder, JSON_FILE, text)
  },
})
const jsonCase = (
  name: string,
  edit: (parts: Parts) => unknown,
  more: Partial<HostileCase> = {},
): HostileCase => ({
  ...jsonText(name, ''),
  make: (folder) => {
    const parts = goodJson()
    edit(parts)
    write(checkpoint(folder), JSON_FILE, parts)
  },
  ...more,
})
const added =
  (...tokens: unknown[]) =>
  (parts: Parts) =>
    void (parts.added_tokens = tokens)
const vocab = (changes: Record<string, unknown>) => (parts: Parts) =>
  void Object.assign(parts.model['vocab'] as object, changes)
const merges = (list: unknown) => (parts: Parts) => void (parts.model['merges'] = list)

const JSON_CASES: HostileCase[] = [
  jsonText('of nothing', ''),
  jsonText('that is a list', '[]'),
  jsonText('of half a million lists inside each other', `{"model": ${nested(500_000)}}`),
  jsonText('with one name twice', JSON.stringify(goodJson()).replace('"b":1', '"a":1')),
  { ...jsonText('without a model', '{}'), inspect: 'accepts' },
  jsonCase('with a model that is a list', (parts) => ((parts as Record<string, unknown>)['model'] = []), {
    inspect: 'accepts',
  }),
  jsonCase('of words', (parts) => (parts.model['type'] = 'WordPiece'), { inspect: 'accepts' }),
  jsonCase(
    'with a pre-tokenizer of its own',
    (parts) => (parts['pre_tokenizer'] = { type: 'Mine', to: 'x' }),
    {
      inspect: 'accepts',
    },
  ),
  jsonCase('with a vocabulary that is a list', (parts) => (parts.model['vocab'] = ['a', 'b'])),
  jsonCase('without merges', (parts) => delete parts.model['merges']),
  jsonCase('with the id -1', vocab({ a: -1 })),
  jsonCase('with the id 0.5', vocab({ a: 0.5 })),
  jsonCase('with the id 1e9', vocab({ a: 1e9 })),
  jsonCase('with an id of text', vocab({ a: '0' })),
  jsonCase('with one id for two names', vocab({ twin: 3 })),
  jsonCase('with a token that the model does not have', vocab({ zz: 1000 })),
  jsonCase('with a merge of strangers', merges(['a b', 'q z'])),
  jsonCase('with a merge of one', merges(['a'])),
  jsonCase('with a merge that is a number', merges([7])),
  jsonCase('with a merge of three', merges([['a', 'b', 'c']])),
  jsonCase('with a merge twice', merges(['a b', 'ab c', 'a b'])),
  jsonCase('with a million equal merges', (parts) => merges(new Array(1e6).fill('a b'))(parts)),
  jsonCase('with an added token far away', added({ id: 1e6, content: '<x>' })),
  jsonCase('with an added token of text', added({ id: 'x', content: '<x>' })),
  jsonCase('with an added token of nothing', added(null)),
  jsonCase(
    'with an added token of another id',
    added({ id: 28, content: '<x>' }, { id: 29, content: '<x>' }),
  ),
  jsonCase('with an added token that is a letter', added({ id: 28, content: 'a', special: true })),
  jsonCase('with an added token that swallows spaces', added({ id: 28, content: '<x>', lstrip: true }), {
    inspect: 'accepts',
  }),
  {
    name: 'tokenizer.json of 49 MB of nothing',
    file: JSON_FILE,
    make: (folder) => {
      checkpoint(folder)
      writeHole(folder, JSON_FILE, 49_000_000)
    },
  },
  ...noFiles(JSON_FILE, checkpoint),
]

/** A file beside a good tokenizer. */
const besides = (name: string, file: string, content: string | object): HostileCase => ({
  name: `${file} ${name}`,
  file,
  make: (folder) => {
    checkpoint(folder)
    write(folder, JSON_FILE, goodJson())
    write(folder, file, content)
  },
})

const SETTINGS_CASES: HostileCase[] = [
  besides('that is no JSON', SETTINGS, '{'),
  besides('that is a list', SETTINGS, '[]'),
  besides('with an added token without content', SETTINGS, { added_tokens_decoder: { 28: {} } }),
  besides('with an added token of no id', SETTINGS, { added_tokens_decoder: { x: { content: '<x>' } } }),
  besides('with an added token far away', SETTINGS, { added_tokens_decoder: { 99999: { content: '<x>' } } }),
  ...noFiles(SETTINGS, (folder) => void write(checkpoint(folder), JSON_FILE, goodJson())),
  besides('that is no JSON', GENERATION, 'eos'),
  besides('with an end beyond all tokens', GENERATION, { eos_token_id: 28 }),
  besides('with one of its ends beyond all tokens', GENERATION, { eos_token_id: [3, 100_000] }),
  besides('with an end of text', GENERATION, { eos_token_id: 'a' }),
  besides('with an end that is half an id', GENERATION, { eos_token_id: 1.5 }),
  {
    name: 'config.json with an end beyond all tokens',
    file: 'config.json',
    make: (folder) => {
      checkpoint(folder)
      write(folder, JSON_FILE, goodJson())
      write(folder, 'config.json', { ...CONFIGS.mistral, eos_token_id: 89 })
    },
  },
]

/** A field of a protobuf message: bytes, a float, or a number. */
function field(number: number, value: Uint8Array | number, wire: 0 | 2 | 5 = 0): Uint8Array {
  if (typeof value !== 'number') return Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value])
  const float = Buffer.alloc(4)
  float.writeFloatLE(value)
  return Buffer.concat([Buffer.from([(number << 3) | wire]), wire === 5 ? float : Buffer.from([value])])
}
const piece = (name: string, score = -1, type = 1): Uint8Array =>
  field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, score, 5), field(3, type)]))
const trainer = (...fields: Uint8Array[]): Uint8Array => field(2, Buffer.concat(fields))
const MARKS = [piece('<unk>', 0, 2), piece('<s>', 0, 3), piece('</s>', 0, 3)]
const UNIGRAM = trainer(field(3, 1))
const BPE = trainer(field(3, 2))

const piecesCase = (
  name: string,
  parts: readonly Uint8Array[],
  more: Partial<HostileCase> = {},
): HostileCase => ({
  name: `tokenizer.model ${name}`,
  file: PIECES,
  make: (folder) => {
    checkpoint(folder)
    write(folder, PIECES, Buffer.concat(parts))
  },
  ...more,
})

const PIECES_CASES: HostileCase[] = [
  piecesCase('of nothing', []),
  piecesCase('that ends in a number', [...MARKS, Buffer.from([0xff, 0xff])]),
  piecesCase('with a number without end', [Buffer.alloc(64, 0xff)]),
  piecesCase('with a field past its end', [...MARKS, Buffer.from([0x0a, 0x7f, 1])]),
  piecesCase('with a field of no type', [...MARKS, Buffer.from([0x0b])]),
  piecesCase('that is text', [Buffer.from('version https://git-lfs.github.com/spec/v1\n')]),
  piecesCase('with a piece of type 9', [...MARKS, piece('a', -1, 9), BPE]),
  piecesCase('with a piece twice', [...MARKS, piece('a'), piece('a'), BPE]),
  piecesCase('with a score that is no number', [...MARKS, piece('a', NaN), UNIGRAM]),
  piecesCase('with an endless score', [...MARKS, piece('a', Infinity), UNIGRAM]),
  piecesCase('of words', [...MARKS, trainer(field(3, 3))], { inspect: 'accepts' }),
  piecesCase('with an end beyond its pieces', [...MARKS, trainer(field(3, 2), Buffer.from([0xd0, 2, 99]))]),
  piecesCase('with a damaged map of characters', [
    ...MARKS,
    UNIGRAM,
    field(3, field(2, Buffer.from('xxxxxxx'))),
  ]),
  piecesCase('with more pieces than the model has', [
    ...MARKS,
    ...Array.from({ length: 90 }, (_, i) => piece(`p${i}`)),
    BPE,
  ]),
  ...noFiles(PIECES, checkpoint),
]

const { qwen1 } = CONFIGS
const base64 = (byte: number): string => Buffer.of(byte).toString('base64')
const BYTES = Array.from({ length: 256 }, (_, byte) => `${base64(byte)} ${byte}`)

const tiktokenCase = (name: string, lines: readonly string[]): HostileCase => ({
  name: `qwen.tiktoken ${name}`,
  file: 'qwen.tiktoken',
  make: (folder) => {
    checkpoint(folder, qwen1)
    write(folder, 'qwen.tiktoken', lines.join('\n'))
  },
})

const OTHER_CASES: HostileCase[] = [
  tiktokenCase('of nothing', []),
  tiktokenCase('that is no base64', ['=== 0']),
  tiktokenCase('with a rank twice', [...BYTES, 'YWI= 7']),
  tiktokenCase('with a rank of millions', [...BYTES, 'YWI= 9999999']),
  tiktokenCase('with a token twice', [...BYTES, `${base64(7)} 256`]),
  tiktokenCase('with a line of a megabyte', ['A'.repeat(1e6)]),
  tiktokenCase('without a byte', BYTES.slice(1)),
  tiktokenCase('of more tokens than the model has', BYTES),
  ...noFiles('qwen.tiktoken', (folder) => checkpoint(folder, qwen1)),
  {
    name: 'merges.txt of strangers',
    file: 'vocab.json',
    make: (folder) => {
      checkpoint(folder, { ...CONFIGS.qwen2, num_key_value_heads: 1 })
      write(folder, 'vocab.json', Object.fromEntries(LETTERS.map((name, id) => [name, id])))
      write(folder, 'merges.txt', 'q z')
    },
  },
  {
    name: 'merges.txt that is a folder',
    file: 'merges.txt',
    make: (folder) => {
      checkpoint(folder, CONFIGS.qwen2)
      write(folder, 'vocab.json', Object.fromEntries(LETTERS.map((name, id) => [name, id])))
      noFiles('merges.txt', () => undefined)[0].make(folder)
    },
  },
  {
    name: 'vocab.json without merges.txt',
    file: 'merges.txt',
    make: (folder) => {
      checkpoint(folder, CONFIGS.qwen2)
      write(folder, 'vocab.json', '{"a": 0}')
      rmSync(join(folder, 'merges.txt'), { force: true })
    },
  },
]

const NAMES = Array.from({ length: TINY.vocab }, (_, id) => `t${id}`)

const ggufTokens = (
  name: string,
  changes: Record<string, Value | undefined>,
  more: Partial<HostileCase> = {},
): HostileCase => {
  const good: Record<string, Value> = {
    model: { string: 'llama' },
    tokens: { strings: NAMES },
    scores: { f32s: NAMES.map((_, id) => -id) },
  }
  const edit = ({ metadata }: GgufParts): void => {
    for (const [key, value] of Object.entries({ ...good, ...changes }))
      if (value !== undefined) metadata[`tokenizer.ggml.${key}`] = value
  }
  return ggufCase(name, edit, more)
}

const BYTE_BPE = { model: { string: 'gpt2' }, pre: { string: 'gpt-2' } }

const GGUF_TOKENS: HostileCase[] = [
  ggufTokens('a tokenizer of a kind to come', { model: { string: 'mine' } }, { inspect: 'accepts' }),
  ggufTokens('tokens that are numbers', { tokens: { f32s: [1, 2] } }),
  ggufTokens('no tokens', { tokens: undefined }),
  ggufTokens('a token twice', { tokens: { strings: NAMES.with(9, 't8') } }),
  ggufTokens('too few scores', { scores: { f32s: [0] } }),
  ggufTokens('types of another length', { token_type: { f32s: [1] } }),
  ggufTokens('an end beyond its tokens', { eos_token_id: { u32: 72 } }),
  ggufTokens('a beginning far beyond', { bos_token_id: { u64: 2n ** 40n } }),
  ggufTokens('more tokens than rows', {
    tokens: { strings: [...NAMES, 'one more'] },
    scores: { f32s: [...NAMES.map((_, id) => -id), 0] },
  }),
  ggufTokens('merges of strangers', { ...BYTE_BPE, merges: { strings: ['t1 t2'] } }),
  ggufTokens('merges that are none', { ...BYTE_BPE, merges: { strings: ['t1'] } }),
  ggufTokens('a hundred thousand equal merges', {
    ...BYTE_BPE,
    tokens: { strings: ['a', 'b', 'ab', ...NAMES.slice(3)] },
    merges: { strings: new Array<string>(100_000).fill('a b') },
  }),
  ggufTokens('a pre-tokenizer of its own', { ...BYTE_BPE, pre: { string: 'mine' } }, { inspect: 'accepts' }),
]

export const TOKENIZER_CASES = [
  ...JSON_CASES,
  ...SETTINGS_CASES,
  ...PIECES_CASES,
  ...OTHER_CASES,
  ...GGUF_TOKENS,
]
