// The table of fair shares has a row for each load that was measured, in times of the ordinary stream's median.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FairResults } from '../../bench/lib/fair-result.ts'
import { fairBlocks } from '../../report/lib/fair-tables.ts'

const machine = {
  cpu: 'a processor',
  cores: 4,
  memoryBytes: 1,
  kernel: '',
  load: 0,
  node: '',
  wrangler: '',
  workerd: '',
  commit: '',
}

test('each model has a table of its own; one that was not measured has none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'islet-fair-'))
  const results: FairResults = {
    tiny: {
      machine,
      tries: 50,
      alone: { one: 1800, four: 1900.04 },
      ordinary: { median: 0.02, worst: 0.05 },
      loads: { endless: { median: 0.03, worst: 0.11 }, all: { median: 0.0601, worst: 0.1 } },
    },
  }
  try {
    writeFileSync(join(folder, 'fair.json'), JSON.stringify(results))
    const [[name, text]] = fairBlocks(join(folder, 'fair.json'))
    expect(name).toBe('fair')
    expect(text).toContain('`tiny`, 50 requests of B beside each load, on a processor, 4 cores.')
    expect(text).toContain('1800.0 tokens a second of one stream, 1900.0 of four')
    expect(text).toContain('| one ordinary stream | 20 | 50 | 1.0 | 2.5 |')
    expect(text).toContain('| endless | 30 | 110 | 1.5 | 5.5 |\n| all | 60 | 100 | 3.0 | 5.0 |')
    expect(text).not.toContain('smollm2')
  } finally {
    rmSync(folder, { recursive: true })
  }
  expect(fairBlocks(join(folder, 'fair.json'))[0][1]).toBe('Not measured: `npm run fair -- --save`.')
})
