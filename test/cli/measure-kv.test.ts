// Packing measures what INT8 keys and values cost where the family norms them; what it finds is in the manifest and is served.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { measureKv } from '../../cli/lib/measure-kv.ts'
import { servedKv } from '../../src/graph/buffers.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder, type FolderOptions } from '../../src/packing/pack-folder.ts'
import { tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { CONFIGS } from '../helpers/family-model.ts'
import { Places } from '../helpers/refused-pack.ts'
import type { FloatTensor } from '../helpers/safetensors-builder.ts'
import { FIXTURES } from '../tokenizer/support.ts'

const places = new Places()

/** A checkpoint of random weights with a tokenizer of a thousand ids, packed by `options`. */
async function packed(
  family: 'qwen3' | 'qwen2',
  options: FolderOptions,
  sharpness = 1,
): Promise<{ manifest: Manifest; folder: string }> {
  const home = join(FIXTURES, 'llama')
  const read = (name: string) =>
    Promise.resolve(existsSync(join(home, name)) ? readFileSync(join(home, name)) : undefined)
  const tokenizer = writeTokenizer(await tokenizerFromFolder(read))
  const config = { ...CONFIGS[family], vocab_size: 1000, max_position_embeddings: 512 }
  const sharpened = (tensors: FloatTensor[]): FloatTensor[] =>
    tensors.map((tensor) =>
      /[qk]_norm/.test(tensor.name) ? { ...tensor, values: tensor.values.map((x) => x * sharpness) } : tensor,
    )
  const source = await openSource(places.checkpoint(config, sharpened))
  const folder = places.next()
  const manifest = await packToFolder(
    { ...source, tokenizer: () => Promise.resolve(tokenizer) },
    folder,
    options,
  )
  await source.close()
  return { manifest, folder }
}

it.each(['q8', 'f32'] as const)('what is chosen is what is served: %s', async (kv) => {
  const { manifest, folder } = await packed('qwen3', { quant: 'q4', chooseKv: () => Promise.resolve(kv) })
  expect(servedKv(manifest.spec)).toBe(kv)
  expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toEqual(manifest)
})

it('a family that norms no keys is not measured, nor are floats that were kept', async () => {
  const plain = await packed('qwen2', { quant: 'q4', chooseKv: measureKv })
  expect(plain.manifest.spec.attention.kv).toBeUndefined()
  expect(servedKv(plain.manifest.spec)).toBe('q8')
  const floats = await packed('qwen3', { chooseKv: measureKv })
  expect(floats.manifest.float).toBe(true)
  expect(floats.manifest.spec.attention.kv).toBeUndefined()
  expect(servedKv(floats.manifest.spec)).toBe('f32')
})

it('flat scores lose nothing by INT8 keys, so they are chosen', async () => {
  const { manifest } = await packed('qwen3', { quant: 'q4', chooseKv: measureKv })
  expect(manifest.spec.attention.kv).toBe('q8')
})

it('sharp scores lose what they choose by, so they stay f32', async () => {
  const { manifest } = await packed('qwen3', { quant: 'q4', chooseKv: measureKv }, 30)
  expect(manifest.spec.attention.kv).toBe('f32')
})
