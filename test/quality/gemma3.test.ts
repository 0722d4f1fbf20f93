// Real weights of another family, with types that have kinds of their own: Gemma 3 270M Q4_K_M (Q4_K, Q5_0, Q6_K, Q8_0 tensors) as packed
// against float32. It fits no isolate; this is what the command line runs.

import { describe, expect, it } from 'vitest'
import { localKv } from '../../cli/lib/kv.ts'
import { openModel } from '../../cli/lib/model.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { lossOf, rowsOf, TEXTS } from '../helpers/quality.ts'
import { GEMMA_FOLDER, GEMMA_GGUF, missingGemma } from '../helpers/real-model.ts'

const skip = missingGemma()

/** Vectors are floats, centres that packing adds halves of them. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  F32: ['f32', 'f16'],
  Q4_K: ['q4n'],
  Q5_0: ['q5'],
  Q6_K: ['q6'],
  Q8_0: ['q8'],
}

describe.skipIf(skip !== undefined)(`Gemma 3 270M as packed${skip === undefined ? '' : ` (${skip})`}`, () => {
  it('keeps mean KL below 0.02 and the top token at 95 % of positions', async () => {
    const opened = await openModel(GEMMA_FOLDER, {})
    expect(new Set(opened.manifest.tensors.map(({ source }) => source))).toEqual(
      new Set(['F32', 'Q4_K', 'Q5_0', 'Q6_K', 'Q8_0']),
    )
    for (const { kind, source } of opened.manifest.tensors) expect(KINDS[source]).toContain(kind)
    const tokenizer = readTokenizer(opened.tokenizerBytes)
    const ids = Object.values(TEXTS).map((text) => [tokenizer.bosId ?? 0, ...tokenizer.encode(text)])
    const packed = await rowsOf(opened, localKv(opened.manifest), ids)
    const exact = await rowsOf(await openModel(GEMMA_GGUF, { quant: 'f32' }), 'f32', ids)
    const loss = lossOf(ids, exact, packed)
    expect(loss.positions).toBeGreaterThan(300)
    expect(loss.kl).toBeLessThan(0.02)
    expect(loss.agree).toBeGreaterThanOrEqual(0.95)
  }, 900_000)
})
