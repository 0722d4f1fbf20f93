// The figures in the documents are those that the generator would write, and the facts those of the model that is here.

import { describe, expect, it } from 'vitest'
import { committedFacts, documents, packedFacts } from '../../scripts/gen-docs.ts'
import { benchBlocks } from '../../scripts/lib/bench-tables.ts'

describe('generated figures', () => {
  it.each(documents())('$path is up to date (else: npm run docs)', ({ text, wanted }) => {
    expect(text).toBe(wanted)
  })

  it.skipIf(packedFacts() === undefined)('are of the model as it is packed now (else: npm run docs)', () => {
    expect(committedFacts()).toBe(packedFacts())
  })

  it('say how to measure what is not there', () => {
    const blocks = new Map(benchBlocks('/nowhere'))
    expect(blocks.get('speed')).toContain('`npm run bench`')
    expect(blocks.get('measured-memory')).toContain('`npm run bench -- memory`')
  })
})
