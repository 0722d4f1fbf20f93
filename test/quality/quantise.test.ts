// What quantising loses on a model that came in floats (test/fixtures/float-model), by text that it was not trained on:
// searched blocks lose less than rounded ones, and the committed figures are those of this code.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { floatLosses, type Loss, type QuantResults, RESULTS } from '../../bench/quant-loss.ts'

/** 12 chunks, 3060 tokens that count. */
const SOME = 6144

async function losses(...ways: Loss['options'][]): Promise<Loss[]> {
  return (await floatLosses(ways, SOME)).losses
}

describe('a float model at 4 bits', () => {
  it('loses less by searching than by rounding: divergence and likelihood', async () => {
    const [nearest, search] = await losses(
      { quant: 'q4', rounding: 'nearest' },
      { quant: 'q4', rounding: 'search' },
    )
    expect(search.kl / nearest.kl).toBeLessThan(0.85) // 0.78 over the whole text
    expect(search.difference).toBeLessThan(nearest.difference)
    expect(search.sameTop).toBeGreaterThan(nearest.sameTop)
    expect(search.bytes).toBe(nearest.bytes)
  })

  it('loses less with a minimum than with a scale alone, and hardly anything at 8 bits', async () => {
    const [eight, both, scale] = await losses({ quant: 'q8' }, { quant: 'q4' }, { quant: 'q4s' })
    expect(both.kl).toBeLessThan(0.75 * scale.kl)
    expect(eight.kl).toBeLessThan(0.05 * both.kl)
    expect(scale.bytes).toBeLessThan(both.bytes)
  })

  it('has the figures of docs/results (else: npm run quant-loss, then npm run docs)', async () => {
    const { float } = JSON.parse(readFileSync(RESULTS, 'utf8')) as QuantResults
    const said = float.losses.find(({ options }) => options.quant === 'q4' && options.rounding === 'search')
    const now = (await floatLosses([{ quant: 'q4', rounding: 'search' }])).losses[0]
    expect(said?.bytes).toBe(now.bytes)
    // Kernels may come to sum in another order; the loss does not change with that.
    expect(Math.abs((said?.kl ?? 0) / now.kl - 1)).toBeLessThan(0.02)
    expect(said?.nats).toBeCloseTo(now.nats, 3)
  })
})
