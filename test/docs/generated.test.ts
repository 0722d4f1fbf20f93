// The figures in the documents are those that the generator would write, and the facts those of the model that is here.

import { describe, expect, it } from 'vitest'
import { charts, committedFacts, documents, packedFacts } from '../../report/gen-docs.ts'
import { benchBlocks, benchCharts } from '../../report/lib/bench-tables.ts'
import { GOAL_IDS } from '../../report/lib/goal-tables.ts'

describe('generated figures', () => {
  it.each(documents())('$path is up to date (else: npm run docs)', ({ text, wanted }) => {
    expect(text).toBe(wanted)
  })

  it('has the charts that the results give, and no others (else: npm run docs)', () => {
    const stale = charts().filter(({ text, wanted }) => text !== wanted)
    expect(stale.map(({ path }) => path)).toEqual([])
  })

  it.skipIf(packedFacts() === undefined)('are of the model as it is packed now (else: npm run docs)', () => {
    expect(committedFacts()).toBe(packedFacts())
  })

  it('say how to measure what is not there', () => {
    const blocks = new Map(benchBlocks('/nowhere'))
    expect(blocks.get('speed')).toContain('`npm run bench`')
    expect(blocks.get('goal-decode-256-best')).toContain('`npm run bench`')
    expect(blocks.get('goal-kernels')).toContain('`npm run bench:kernels`')
    expect(blocks.get('measured-memory')).toContain('`npm run bench -- memory')
    expect(blocks.get('goals')?.match(/not measured/g)).toHaveLength(GOAL_IDS.length)
    expect(benchCharts('/nowhere')).toEqual([])
  })
})
