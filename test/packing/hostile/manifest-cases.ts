// Folders that say they are packed models: `pack` reads none as a checkpoint, `inspect` names manifest.json.

import { factsOf } from '../../../src/models/facts.ts'
import { llama } from '../../../src/models/llama.ts'
import { MANIFEST_VERSION } from '../../../src/weights/manifest.ts'
import { CONFIGS } from '../../helpers/family-model.ts'
import { nested, noFiles, write, type HostileCase } from './case.ts'

const FILE = 'manifest.json'

type Json = Record<string, unknown>

const GOOD = {
  format: 'islet',
  version: MANIFEST_VERSION,
  id: 'x',
  spec: llama.specFromConfig(factsOf(CONFIGS.mistral)),
  tensors: [],
  shards: [],
  tokenizer: { file: 'tokenizer.bin', length: 0 },
  chat: { kind: 'none' },
}

const textCase = (name: string, text: string): HostileCase => ({
  name: `manifest.json ${name}`,
  file: /manifest\.json|no config\.json/,
  make: (folder) => void write(folder, FILE, text),
})
const valueCase = (changes: Json): HostileCase =>
  textCase(`with ${JSON.stringify(changes).slice(0, 60)}`, JSON.stringify({ ...GOOD, ...changes }))

export const MANIFEST_CASES: HostileCase[] = [
  ...['', '[]', 'null', '{}', '{"format": "islet"}'].map((text) =>
    textCase(`of ${JSON.stringify(text)}`, text),
  ),
  textCase('of half a million lists inside each other', `{"format": ${nested(500_000)}}`),
  valueCase({ version: 99 }),
  valueCase({ spec: null }),
  valueCase({ spec: {} }),
  ...[0, 1e9, '2', null].map((layers) => valueCase({ spec: { ...GOOD.spec, layers } })),
  valueCase({ spec: { ...GOOD.spec, attention: null } }),
  valueCase({ license: 'x', spec: { ...GOOD.spec, attention: { kinds: [] } } }),
  valueCase({ tensors: null }),
  valueCase({ tensors: [null] }),
  valueCase({ shards: [{}] }),
  valueCase({ shards: [{ file: '../secret.bin', length: 1, checksum: '' }] }),
  valueCase({ tokenizer: { file: 'vocabulary.bin', length: -1 } }),
  ...noFiles(FILE, () => undefined).map((each) => ({ ...each, file: textCase('', '').file })),
]
