// A shape's folder is a packed model of a config's sizes: weights are random, its tokenizer is made up, all else is as packed.

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { makeManifest } from '../../src/packing/make-manifest.ts'
import { MANIFEST_FILE } from '../../src/packing/pack-folder.ts'
import { writeShards } from '../../src/packing/shard-files.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import { inWorkplace } from '../../src/packing/workplace.ts'
import { TOKENIZER_FILE, type Manifest } from '../../src/weights/manifest.ts'
import { planned, type Config } from './chain-models.ts'
import { shapeTokenizer } from './shape-tokenizer.ts'
import { shapeBytes, ShapeRandom } from './shape-weights.ts'

/** Packs a shape as `id` into `folder`, unless it is there. */
export async function makeShape(folder: string, id: string, config: Config, seed = 1): Promise<void> {
  if (existsSync(join(folder, MANIFEST_FILE))) return
  const { spec, tensors } = planned(config)
  const random = new ShapeRandom(seed)
  await inWorkplace(resolve(folder), async (place) => {
    const { shards } = await writeShards(place, async (sink) => {
      let at = 0
      for (const entry of tensors) {
        if (entry.offset > at) await sink(new Uint8Array(entry.offset - at))
        for (const piece of shapeBytes(entry, spec, random)) await sink(piece)
        at = entry.offset + entry.length
      }
    })
    const tokenizer = shapeTokenizer(spec.vocab)
    const source: ModelSource = {
      name: id,
      spec,
      tensors: [],
      chat: { kind: 'none' },
      chatFile: '',
      license: undefined,
      sampling: undefined,
      tokenizer: async () => tokenizer,
      close: async () => undefined,
    }
    const manifest: Manifest = makeManifest(source, id, tensors, shards, tokenizer)
    await writeFile(join(place, TOKENIZER_FILE), tokenizer)
    await writeFile(join(place, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`)
  })
}
