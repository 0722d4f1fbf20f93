// The tables of structured output say what a run measured, and what of it ajv did not take.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CorpusResult } from '../../bench/lib/corpus-result.ts'
import type { SpeedOfGrammar } from '../../bench/lib/grammar-speed-result.ts'
import { grammarBlocks } from '../../report/lib/grammar-tables.ts'

const machine = {
  cpu: 'a processor',
  cores: 2,
  memoryBytes: 1,
  kernel: '',
  load: 0.5,
  node: '',
  wrangler: '',
  workerd: '',
  commit: '',
}
const corpus: CorpusResult = {
  machine,
  schemas: 2000,
  compiled: 1900,
  refusals: [{ message: 'too large', count: 100 }],
  badPointers: [],
  compileMs: { p50: 0.2, p99: 20, most: 90 },
  invalid: { all: 4000, accepted: [] },
  valid: { all: 1000, accepted: 930, bounded: 929 },
  answers: {
    tiny: {
      asked: 1000,
      whole: 998,
      closedEarly: 700,
      tokens: 50_000,
      unjudged: 1,
      refusedByAjv: [{ name: 'a', says: 'b', reason: 'ajv differs' }],
    },
  },
}
const speed: SpeedOfGrammar = {
  machine,
  model: 'tiny',
  pairs: 3,
  tokens: 64,
  ratios: [{ mode: 'temperature 0', without: 7, held: 7.1, ratio: 0.986 }],
  firstToken: { compiled: 2.25, kept: 0.5 },
}

test('what was measured is in the tables, and what was not is said', () => {
  const folder = mkdtempSync(join(tmpdir(), 'islet-grammar-'))
  const files = ['corpus.json', 'speed.json'].map((name) => join(folder, name))
  try {
    expect(grammarBlocks(files[0], files[1]).map(([, text]) => text)).toEqual([
      'Not measured.',
      'Not measured.',
    ])
    writeFileSync(files[0], JSON.stringify(corpus))
    writeFileSync(files[1], JSON.stringify(speed))
    const [[, first], [, second]] = grammarBlocks(files[0], files[1])
    expect(first).toContain('| schemas that compile (goal: 92 %) | 1,900 of 2,000, 95.0 % |')
    expect(first).toContain('| invalid instances accepted (goal: 0) | 0 of 4,000 |')
    expect(first).toContain('| 998 of 999 (50,000 tokens; 700 closed in time) |')
    expect(first).toContain('Answers that ajv does not take: 1, ajv differs.')
    expect(second).toContain('| temperature 0 | 7.00 | 7.10 | 0.986 |')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
