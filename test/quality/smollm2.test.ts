// What the edge model loses: SmolLM2 as packed (INT4 layers, head of 8, 6 and 5 bits, INT8 activations and KV) against float32.

import { describe, expect, it } from 'vitest'
import { openModel } from '../../cli/lib/model.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { promptIds } from '../../src/chat/prompt-ids.ts'
import { servedKv } from '../../src/graph/buffers.ts'
import { Feed } from '../../src/graph/feed.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { argmax } from '../helpers/mock-model.ts'
import { lossOf, rowsOf, TEXTS } from '../helpers/quality.ts'
import { missingModel, REAL_FOLDER, REAL_GGUF } from '../helpers/real-model.ts'

const skip = missingModel() ?? missingModel(REAL_GGUF)

describe.skipIf(skip !== undefined)(`SmolLM2 as packed${skip === undefined ? '' : ` (${skip})`}`, () => {
  it('keeps mean KL below 0.0032, the top token at 95 % and the likelihood within 0.03', async () => {
    const opened = await openModel(REAL_FOLDER, {})
    const tokenizer = readTokenizer(opened.tokenizerBytes)
    const ids = Object.values(TEXTS).map((text) => tokenizer.encode(text))
    const packed = await rowsOf(opened, 'q8', ids)
    const exact = await rowsOf(await openModel(REAL_GGUF, { quant: 'f32', embedding: 'f32' }), 'f32', ids)
    const loss = lossOf(ids, exact, packed)
    expect(loss.positions).toBeGreaterThan(300)
    expect(loss.kl).toBeLessThan(0.0032) // measured: 0.0024
    expect(loss.agree).toBeGreaterThanOrEqual(0.95)
    expect(Math.abs(loss.likelihood)).toBeLessThanOrEqual(0.03)
  }, 600_000)

  it('says the capital of France, greedy, as float32 does', async () => {
    const opened = await openModel(REAL_FOLDER, {})
    const tokenizer = readTokenizer(opened.tokenizerBytes)
    const { chat, spec } = opened.manifest
    const prompt = promptIds(tokenizer, chat, [{ role: 'user', content: 'What is the capital of France?' }])
    const model = await loadModel(opened.manifest, opened.source, {
      window: { window: undefined, sinks: 0 },
      chunk: 64,
      logitRows: 1,
      kv: servedKv(spec),
      maxPositions: 256,
      kernels: nodeKernels(),
    })
    const answer: number[] = []
    const feed = new Feed(model)
    for (let ids = prompt; answer.length < 7; ids = answer.slice(-1))
      feed.run(ids, (logits, position) => {
        if (position + 1 === prompt.length + answer.length) answer.push(argmax(logits))
      })
    expect(tokenizer.decode(answer)).toBe('The capital of France is Paris.')
  })
})
