// This Node measures what INT8 keys and values cost a packed model, where its family does not tell.

import { servedKv, type KvKind } from '../../src/graph/buffers.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { CALIBRATION_TEXT } from '../../src/packing/calibration-text.ts'
import type { KvChooser } from '../../src/packing/pack-folder.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { fileSource } from './file-source.ts'
import { nodeKernels } from './kernels.ts'
import { scoreText } from './score.ts'

/** INT8 activations, which every model has, cost 0.002 to 0.003; f32 keys and values take 3.8 times the bytes of INT8 ones. */
export const MOST_KL = 0.01

/** Both models are held at once, and no isolate has one that is as large. */
const MOST_BYTES = 1e9

const CONTEXT = 256

/**
 * INT8 where the divergence from f32 keys and values is at most MOST_KL over a calibration text, else f32. Undefined
 * where the family has INT8 anyhow, floats were kept, or nothing can be measured.
 */
export const measureKv: KvChooser = async (manifest, folder, bytes) => {
  const { spec, float } = manifest
  if (servedKv(spec) === 'q8' || float || bytes.length === 0 || weightBytes(manifest) > MOST_BYTES)
    return undefined
  const tokenizer = readTokenizer(bytes)
  const bos = tokenizer.addBos ? tokenizer.bosId : undefined
  const ids = tokenizer.encode(CALIBRATION_TEXT)
  const context = Math.min(CONTEXT, spec.context)
  if (ids.length < context) return undefined
  const open = (kv: KvKind) =>
    loadModel(manifest, fileSource(folder), {
      window: { window: undefined, sinks: 0 },
      chunk: 32,
      logitRows: 32,
      kv,
      maxPositions: context,
      kernels: nodeKernels(),
    })
  const against = await open('f32')
  const { against: compared } = scoreText(await open('q8'), ids, { context, bos, against })
  return compared !== undefined && compared.kl.mean <= MOST_KL ? 'q8' : 'f32'
}
