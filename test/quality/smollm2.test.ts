// What the edge model loses: SmolLM2 as packed (INT4 layers, 8-bit head, INT8 activations and KV) against float32 on the
// dequantised weights of the same file, on English, code and letters.

import { beforeAll, describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { openModel, type OpenedModel } from '../../cli/lib/model.ts'
import { Feed } from '../../src/engine/feed.ts'
import { loadModel } from '../../src/engine/load-model.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { missingModel, REAL_FOLDER, REAL_GGUF } from '../helpers/real-model.ts'

const TEXTS = {
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

async function rowsOf(
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

const skip = missingModel() ?? missingModel(REAL_GGUF)

describe.skipIf(skip !== undefined)(`SmolLM2 as packed${skip === undefined ? '' : ` (${skip})`}`, () => {
  let ids: number[][]
  let packed: Float32Array[][]
  let exact: Float32Array[][]

  beforeAll(async () => {
    const opened = await openModel(REAL_FOLDER, {})
    const tokenizer = readTokenizer(opened.tokenizerBytes)
    ids = Object.values(TEXTS).map((text) => tokenizer.encode(text))
    packed = await rowsOf(opened, 'q8', ids)
    exact = await rowsOf(await openModel(REAL_GGUF, { quant: 'f32', embedding: 'f32' }), 'f32', ids)
  }, 600_000)

  it('keeps mean KL below 0.01, the top token at 93 % and the likelihood within 0.03', () => {
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
    expect(count.positions).toBeGreaterThan(300)
    expect(count.kl / count.positions).toBeLessThan(0.01)
    expect(count.agree / count.positions).toBeGreaterThanOrEqual(0.93)
    expect(Math.abs(count.likelihood / count.targets)).toBeLessThanOrEqual(0.03)
  })
})
