// What a packed model loses: its logits beside float32 on the dequantised weights of the same file, on English, code and letters.

import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { OpenedModel } from '../../cli/lib/model.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'

export const TEXTS = {
  english:
    'The old lighthouse stood at the edge of the cliff, its white paint long since worn away by salt and wind. Every ' +
    'evening the keeper climbed the narrow stairs, lit the lamp, and watched the ships pass far out at sea. He had done ' +
    'this for thirty years, and he could tell from the sound of the waves alone whether a storm was coming. On the last ' +
    'night of autumn a small boat appeared where no boat should have been, and he hurried down to the shore.',
  code:
    'function median(values) {\n  const sorted = [...values].sort((a, b) => a - b)\n  const middle = ' +
    'Math.floor(sorted.length / 2)\n  if (sorted.length % 2 === 0) {\n    return (sorted[middle - 1] + sorted[middle]) / 2' +
    '\n  }\n  return sorted[middle]\n}\n\nfor (let i = 0; i < 10; i++) {\n  console.log(i, median([3, 1, i]))\n}\n',
  letters:
    `${'abcdefghijklmnopqrstuvwxyz'.split('').join(' ')} `.repeat(3) +
    'zyxwvutsrqponmlkjihgfedcba'.split('').join(' '),
}

/** Logits of every position of each text. */
export async function rowsOf(
  { manifest, source }: OpenedModel,
  kv: 'q8' | 'f32',
  ids: number[][],
): Promise<Float32Array[][]> {
  const model = await loadModel(manifest, source, {
    window: { window: undefined, sinks: 0 },
    chunk: 64,
    logitRows: 64,
    kv,
    maxPositions: 256,
    kernels: nodeKernels(),
  })
  return ids.map((text) => {
    const rows: Float32Array[] = []
    new Feed(model).run(text, (logits) => rows.push(logits.slice()))
    return rows
  })
}

/** log softmax in float64. */
function logSoftmax(logits: Float32Array): Float64Array {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const sum = logits.reduce((a, b) => a + Math.exp(b - highest), 0)
  const shift = highest + Math.log(sum)
  return Float64Array.from(logits, (logit) => logit - shift)
}

const top = (row: Float64Array): number => row.reduce((best, value, id) => (value > row[best] ? id : best), 0)

/** Means over all positions: KL(exact, packed), how often the top token is the same, and the packed model's gain in likelihood. */
export type Loss = { positions: number; kl: number; agree: number; likelihood: number }

export function lossOf(ids: number[][], exact: Float32Array[][], packed: Float32Array[][]): Loss {
  const count = { positions: 0, kl: 0, agree: 0, likelihood: 0, targets: 0 }
  ids.forEach((text, t) => {
    text.forEach((_, position) => {
      const p = logSoftmax(exact[t][position])
      const q = logSoftmax(packed[t][position])
      count.positions++
      count.kl += p.reduce((sum, value, id) => sum + Math.exp(value) * (value - q[id]), 0)
      count.agree += top(p) === top(q) ? 1 : 0
      const next = text[position + 1]
      if (next === undefined) return
      count.targets++
      count.likelihood += q[next] - p[next]
    })
  })
  const { positions, kl, agree, likelihood, targets } = count
  return { positions, kl: kl / positions, agree: agree / positions, likelihood: likelihood / targets }
}
