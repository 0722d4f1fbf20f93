// Logits of each family's tiny checkpoint equal those of the original implementation within a tolerance. In every
// chunk size, prefill and decode, full attention and window; the cut set always, the full one if it is there.

import { describe, expect, it } from 'vitest'
import { CUT, familiesIn, GOLDEN } from '../helpers/golden.ts'
import { difference, fileCases, runCase, runWindowCase, windowCases } from '../helpers/golden-run.ts'

const CHUNKS = [4, 8, 64, 320]

const FOLDERS = [CUT, `${GOLDEN}/open`].flatMap((set) =>
  familiesIn(set).map((family) => ({
    title: `${family} of the ${set === CUT ? 'cut' : 'full'} set`,
    folder: `${set}/${family}`,
  })),
)

describe.each(FOLDERS)('$title', ({ folder }) => {
  const { tolerance, cases } = fileCases(folder)

  it.each(cases)('$name', async (each) => {
    const hashes = new Set<string>()
    for (const chunk of CHUNKS) {
      const { rows, hash, float } = await runCase(each, chunk)
      hashes.add(hash)
      expect(rows.length).toBe(each.expected.shape[0])
      const { maxAbs, rms } = difference(rows, each.expected)
      if (float) {
        expect(maxAbs).toBeLessThanOrEqual(tolerance.f32_max_abs)
      } else {
        expect(rms).toBeLessThanOrEqual(tolerance.int8_activations.rms)
        expect(maxAbs).toBeLessThanOrEqual(tolerance.int8_activations.max_abs)
      }
    }
    expect(hashes.size, 'every chunk size gives the same bits').toBe(1)
  })

  const windows = windowCases(folder)
  it.each(windows.cases)('window case $golden.id', async ({ golden, expected }) => {
    const hashes = new Set<string>()
    for (const chunk of CHUNKS) {
      const { rows, hash } = await runWindowCase(folder, golden, chunk)
      hashes.add(hash)
      expect(difference(rows, expected).maxAbs).toBeLessThanOrEqual(windows.tolerance)
    }
    expect(hashes.size).toBe(1)
  })
})
