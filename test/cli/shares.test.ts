// Shares of a divergence: nothing comes from parts that are exact, all of them together make nearly the whole, and no figure
// depends on the rows of a step.

import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import type { OpenedModel } from '../../cli/lib/model.ts'
import { scoredTexts, scoreText } from '../../cli/lib/score.ts'
import { type Share, sharesOf } from '../../cli/lib/shares.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { packToMemory } from '../../src/packing/pack-memory.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'

const FLOATS = new URL('../fixtures/float-model', import.meta.url).pathname
const CONTEXT = 96
const FULL = { window: undefined, sinks: 0 }

async function opened(options: PackOptions): Promise<OpenedModel> {
  const { manifest, weights, tokenizer } = await packToMemory(FLOATS, options)
  return { manifest, source: weights, tokenizerBytes: tokenizer }
}

let exact: OpenedModel
let ids: number[]
beforeAll(async () => {
  exact = await opened({ quant: 'f32' })
  const text = readFileSync(`${FLOATS}/held-out.txt`, 'utf8').slice(0, 4000)
  ids = readTokenizer(exact.tokenizerBytes)
    .encode(text)
    .slice(0, 4 * CONTEXT)
})

async function shares(
  own: OpenedModel,
  kv: 'q8' | 'f32' = 'q8',
  chunk = 64,
): Promise<Record<string, number>> {
  const options = { window: FULL, chunk, maxPositions: CONTEXT, kv, otherKv: 'f32' } as const
  const texts = scoredTexts(ids, { context: CONTEXT, bos: undefined })
  const found: Share[] = await sharesOf(own, exact, texts, options)
  return Object.fromEntries(found.map(({ kind, part, kl }) => [`${kind} ${part}`, kl]))
}

async function wholeOf(own: OpenedModel): Promise<number> {
  const load = ({ manifest, source }: OpenedModel, kv: 'q8' | 'f32') =>
    loadModel(manifest, source, {
      window: FULL,
      chunk: 64,
      logitRows: 64,
      kv,
      maxPositions: CONTEXT,
      kernels: nodeKernels(),
    })
  const against = await load(exact, 'f32')
  return scoreText(await load(own, 'q8'), ids, { context: CONTEXT, bos: undefined, against }).against!.kl.mean
}

describe('shares of a divergence', () => {
  it('are none of what is exact: a table of 6 bits before layers of floats', async () => {
    const found = await shares(await opened({ quant: 'f32', embedding: 'q6' }), 'f32')
    expect(found['weights layers']).toBe(0)
    expect(found['weights embedding']).toBeGreaterThan(1e-6)
    expect(found['weights head']).toBeGreaterThan(1e-6)
    for (const part of ['q, k, v', 'o', 'gate, up', 'down']) expect(found[`activations ${part}`]).toBe(0)
    expect(found['activations head']).toBeGreaterThan(1e-6)
    expect(found['kv f32']).toBe(0)
  })

  it.each([{ quant: 'q8' }, { quant: 'q4' }] as const)('add up nearly to the whole: %j', async (options) => {
    const own = await opened(options)
    const found = Object.values(await shares(own))
    const sum = found.reduce((a, b) => a + b, 0)
    expect(found).toHaveLength(9)
    expect(sum / (await wholeOf(own))).toBeGreaterThan(0.75)
    expect(sum / (await wholeOf(own))).toBeLessThan(1.3)
  })

  it('lie in the weights at 4 bits, and there in the layers', async () => {
    const found = await shares(await opened({ quant: 'q4', embedding: 'q8' }))
    const others = Object.entries(found).filter(([part]) => part !== 'weights layers')
    for (const [part, kl] of others) expect(kl, part).toBeLessThan(0.1 * found['weights layers'])
  })

  it('do not depend on the rows of a step', async () => {
    const own = await opened({ quant: 'q4' })
    expect(await shares(own, 'q8', 4)).toEqual(await shares(own))
  })
})
