// A pooling comes from an option or from the checkpoint's files, and is refused where a model cannot have it.

import { expect, it } from 'vitest'
import { makeManifest, parseManifest } from '../../src/packing/make-manifest.ts'
import { poolingNamed, poolingOfFolder, poolingOfGguf } from '../../src/packing/pooling.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import type { ReadFile } from '../../src/packing/small-file.ts'
import { mockManifest } from '../helpers/mock-lane.ts'

it('is one of those that there are', () => {
  expect(poolingNamed('mean', {})).toBe('mean')
  expect(poolingNamed('mean_without_first', {})).toBe('mean_without_first')
  expect(poolingNamed('last', {})).toBe('last')
  for (const name of ['first', 'cls', 'MEAN', ''])
    expect(() => poolingNamed(name, {})).toThrow('one of mean, mean_without_first, last is needed')
})

it('is the last of a prompt that sees itself both ways', () => {
  const spec = { prefix: 'mask' } as unknown as Parameters<typeof poolingNamed>[1]
  expect(poolingNamed('last', spec)).toBe('last')
  expect(() => poolingNamed('mean', spec)).toThrow('use last')
})

it('is read from a GGUF file by its number, of its own architecture', () => {
  const of = (type: unknown, key = 'llama.pooling_type') =>
    poolingOfGguf(
      new Map<string, unknown>([
        ['general.architecture', 'llama'],
        [key, type],
      ]),
    )
  expect([of(1), of(3)]).toEqual(['mean', 'last'])
  // None, the first token, a score, and another architecture's.
  expect([of(0), of(2), of(4), of(1, 'bert.pooling_type')]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

it('is read from a folder of sentence-transformers', async () => {
  const of = (config?: object): ReturnType<typeof poolingOfFolder> => {
    const read: ReadFile = (name) =>
      Promise.resolve(
        name === '1_Pooling/config.json' && config !== undefined
          ? new TextEncoder().encode(JSON.stringify(config))
          : undefined,
      )
    return poolingOfFolder(read)
  }
  expect(await of()).toBeUndefined()
  expect(await of({ pooling_mode_mean_tokens: true, pooling_mode_lasttoken: false })).toBe('mean')
  expect(await of({ pooling_mode_mean_tokens: false, pooling_mode_lasttoken: true })).toBe('last')
  expect(await of({ pooling_mode_cls_token: true })).toBeUndefined()
})

it('is declared by the manifest, and an unknown one is not served', () => {
  const { spec, chat } = mockManifest()
  const source = { name: 'm', spec, chat, license: undefined, tensors: [] } as unknown as ModelSource
  const manifest = makeManifest({ ...source, pooling: 'last' }, 'm', [], [], new Uint8Array(0))
  expect(manifest.embedding).toEqual({ pooling: 'last' })
  expect(parseManifest(JSON.stringify(manifest)).embedding).toEqual({ pooling: 'last' })
  const plain = makeManifest(source, 'm', [], [], new Uint8Array(0))
  expect(plain).not.toHaveProperty('embedding')
  // The weights are the same, and so are pages that were kept of them.
  expect(plain.hash).toBe(manifest.hash)
  expect(() => parseManifest(JSON.stringify({ ...plain, embedding: { pooling: 'cls' } }))).toThrow(
    'pack again',
  )
})
