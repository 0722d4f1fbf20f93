// Real weights of another family, with larger types kept as INT8: Gemma 3 270M Q4_K_M (Q4_K, Q5_0, Q6_K, Q8_0 tensors) as packed
// against float32. It fits no isolate; this is what the command line runs.

import { describe, expect, it } from 'vitest'
import { localKv } from '../../cli/lib/kv.ts'
import { openModel } from '../../cli/lib/model.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { lossOf, rowsOf, TEXTS } from '../helpers/quality.ts'
import { GEMMA_FOLDER, GEMMA_GGUF, missingGemma } from '../helpers/real-model.ts'

const skip = missingGemma()

describe.skipIf(skip !== undefined)(`Gemma 3 270M as packed${skip === undefined ? '' : ` (${skip})`}`, () => {
  it('keeps mean KL below 0.02 and the top token at 95 % of positions', async () => {
    const opened = await openModel(GEMMA_FOLDER, {})
    expect(new Set(opened.manifest.tensors.map(({ source }) => source))).toEqual(
      new Set(['F32', 'Q4_K', 'Q5_0', 'Q6_K', 'Q8_0']),
    )
    for (const { kind, source } of opened.manifest.tensors)
      expect(kind).toBe(source === 'F32' ? 'f32' : source === 'Q4_K' ? 'q4m' : 'q8')
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
