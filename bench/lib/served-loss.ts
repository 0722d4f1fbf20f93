// A served loss compares the default model, as it is served, with float32 on its file's weights.
// The text (bench/data/held-text.json) is none that anything was chosen by.

import { readFileSync } from 'node:fs'
import { keptCalibration } from '../../cli/lib/calibration.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { OpenedModel } from '../../cli/lib/model.ts'
import { type Share, sharesOf } from '../../cli/lib/shares.ts'
import { servedKv } from '../../src/graph/buffers.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { exp, log } from '../../src/lib/math.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToMemory } from '../../src/packing/pack-memory.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { largest } from '../../src/sampling/candidates.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { meanOf } from './mean.ts'

/** Of one way to pack: mean KL with its standard error, nats a position, and the share of the same likeliest token. */
export type ServedRow = { calibrated: boolean; bytes: number; kl: number; klError: number; sameTop: number }

export type ServedLoss = { model: string; positions: number; rows: ServedRow[]; shares: Share[] }

/** Text that nothing was chosen by: names of its kinds, and `about`. */
export const HELD_TEXT = new URL('../data/held-text.json', import.meta.url)
const WINDOW = { window: undefined, sinks: 0 }
const CHUNK = 64
export const MOST_POSITIONS = 512

/** So many likeliest tokens of the reference count by themselves, all others as one. */
const BEST = 20

/** What is compared at a position: ids, ln of their probabilities by the reference, and the probability of all others. */
type Known = { ids: number[]; logprobs: number[]; rest: number }

/** The loss of the model `name`, whose checkpoint is at `path`: minutes. */
export async function servedLoss(name: string, path: string): Promise<ServedLoss> {
  const source = await openSource(path)
  const calibration = await keptCalibration(name, source)
  await source.close()
  if (calibration === undefined) throw new Error(`no calibration of ${name} is kept`)
  const exact = await opened(path, { quant: 'f32', embedding: 'f32' })
  const { about: _, ...texts } = JSON.parse(readFileSync(HELD_TEXT, 'utf8')) as Record<string, string>
  const tokenizer = readTokenizer(exact.tokenizerBytes)
  const ids = Object.values(texts).map((text) => tokenizer.encode(text))
  const known: Known[] = []
  await eachRow(exact, 'f32', ids, (logits) => known.push(knownOf(logits)))
  const rows: ServedRow[] = []
  const served = await opened(path, { calibration })
  for (const own of [await opened(path, {}), served]) {
    const kls: number[] = []
    let same = 0
    await eachRow(own, servedKv(own.manifest.spec), ids, (logits) => {
      const reference = known[kls.length]
      kls.push(coarseKl(reference, logits))
      if (largest(logits, 1)[0] === reference.ids[0]) same++
    })
    const { mean: kl, error: klError } = meanOf(kls)
    const bytes = weightBytes(own.manifest)
    rows.push({ calibrated: own === served, bytes, kl, klError, sameTop: same / kls.length })
  }
  const options = { window: WINDOW, chunk: CHUNK, maxPositions: MOST_POSITIONS, otherKv: 'f32' } as const
  const shares = await sharesOf(
    served,
    exact,
    ids.map((text) => ({ ids: text, from: 0 })),
    { ...options, kv: servedKv(served.manifest.spec) },
  )
  return { model: name, positions: known.length, rows, shares }
}

async function opened(path: string, options: PackOptions): Promise<OpenedModel> {
  const { manifest, weights, tokenizer } = await packToMemory(path, options)
  return { manifest, source: weights, tokenizerBytes: tokenizer }
}

/** Logits of each row of each text, in order; every text has at most MOST_POSITIONS ids. */
export async function eachRow(
  { manifest, source }: OpenedModel,
  kv: 'q8' | 'f32',
  texts: readonly (readonly number[])[],
  onRow: (logits: Float32Array) => void,
): Promise<void> {
  const model = await loadModel(manifest, source, {
    window: WINDOW,
    chunk: CHUNK,
    logitRows: CHUNK,
    kv,
    maxPositions: MOST_POSITIONS,
    kernels: nodeKernels(),
  })
  for (const text of texts) new Feed(model).run(text, onRow)
  model.release()
}

function knownOf(logits: Float32Array): Known {
  const offset = logSumExp(logits)
  const ids = largest(logits, BEST)
  const logprobs = ids.map((id) => logits[id] - offset)
  return { ids, logprobs, rest: restOf(logprobs) }
}

function restOf(logprobs: readonly number[]): number {
  return Math.max(1e-12, 1 - logprobs.reduce((sum, logprob) => sum + exp(logprob), 0))
}

function coarseKl({ ids, logprobs, rest }: Known, logits: Float32Array): number {
  const offset = logSumExp(logits)
  const own = ids.map((id) => logits[id] - offset)
  const best = logprobs.reduce((sum, logprob, i) => sum + exp(logprob) * (logprob - own[i]), 0)
  return best + rest * log(rest / restOf(own))
}
