// The hash in a manifest covers all that decides a model's numbers, and the command line reads manifests of its own version alone.

import { describe, expect, it } from 'vitest'
import { makeManifest, parseManifest } from '../../src/packing/make-manifest.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import { MANIFEST_VERSION, type Manifest, type Shard, type TensorEntry } from '../../src/weights/manifest.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'

const tensors: TensorEntry[] = [
  { name: 'embedding', kind: 'q8', rows: 16, cols: 32, offset: 0, length: 544, source: 'F32' },
]
const shards: Shard[] = [{ file: 'weights-000.bin', length: 544, sha256: 'aa', checksum: 'bb' }]
const source = {
  name: 'm',
  spec: MOCK_SPEC,
  tensors: [],
  chat: { kind: 'none' },
  license: undefined,
} as const
const made = (changes: Partial<ModelSource> = {}, entries = tensors, files = shards, id = 'm'): Manifest =>
  makeManifest({ ...source, ...changes } as unknown as ModelSource, id, entries, files, new Uint8Array())

describe('the hash of a model', () => {
  it('covers spec, tensors and the bytes of the shards', () => {
    const hashes = [
      made(),
      made({ spec: { ...MOCK_SPEC, context: 511 } }),
      made({}, [{ ...tensors[0], kind: 'q6' }]),
      made({}, [{ ...tensors[0], offset: 64 }]),
      made({}, tensors, [{ ...shards[0], sha256: 'ab' }]),
      made({}, tensors, [...shards, ...shards]),
    ].map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('and nothing else', () => {
    expect(made({ license: 'mit', chat: { kind: 'jinja', template: 'x' } }, tensors, shards, 'n').hash).toBe(
      made().hash,
    )
  })
})

describe('a manifest', () => {
  it('is read as it was made', () => {
    expect(parseManifest(JSON.stringify(made()))).toEqual(made())
  })

  it.each<[string, object | null, string]>([
    ['an older version', { version: MANIFEST_VERSION - 1 }, 'unsupported_format'],
    ['a newer version', { version: MANIFEST_VERSION + 1 }, 'unsupported_format'],
    ['no version', { version: undefined }, 'unsupported_format'],
    ['another format', { format: 'inlet' }, 'invalid_file'],
    ['no tensors', { tensors: undefined }, 'invalid_file'],
    ['no tokenizer', { tokenizer: null }, 'invalid_file'],
    [
      'a shard without a checksum',
      { shards: [...shards, { ...shards[0], checksum: 1 }] },
      'unsupported_format',
    ],
  ])('with %s is refused', (_, changes, code) => {
    const refusal = expect.objectContaining({ code }) as Error
    expect(() => parseManifest(JSON.stringify({ ...made(), ...changes }))).toThrow(refusal)
  })
})
