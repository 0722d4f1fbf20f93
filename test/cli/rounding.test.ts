// islet pack --rounding, end to end: a float checkpoint packed both ways, and what islet perplexity says of them.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { openModel } from '../../cli/lib/model.ts'
import { FLOAT_MODEL } from '../../bench/quant-loss.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'islet-rounding-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function islet(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
}

it('searches unless told to round, and that is closer to the floats', async () => {
  const packed = (name: string, ...args: string[]): string => {
    const out = join(folder, name)
    expect(islet('pack', FLOAT_MODEL, out, '--quant', 'q4', '--id', name, ...args).status).toBe(0)
    return out
  }
  const plain = packed('plain')
  const search = packed('search', '--rounding', 'search')
  const nearest = packed('nearest', '--rounding', 'nearest')
  const hashes = await Promise.all(
    [plain, search, nearest].map(async (path) => (await openModel(path, {})).manifest.hash),
  )
  expect(hashes[0]).toBe(hashes[1])
  expect(hashes[2]).not.toBe(hashes[1])

  const divergence = (path: string): number => {
    const text = join(FLOAT_MODEL, 'held-out.txt')
    const { stdout } = islet('perplexity', path, text, '--against', FLOAT_MODEL, '--limit', '1024', '--json')
    const { against } = JSON.parse(stdout) as { against: { mean_kl: number; kv: string } }
    expect(against.kv).toBe('f32')
    return against.mean_kl
  }
  const [searched, rounded] = [divergence(search), divergence(nearest)]
  expect(searched).toBeGreaterThan(0)
  expect(searched).toBeLessThan(rounded)
})

it('says what --rounding may be', () => {
  const { status, stderr } = islet('pack', FLOAT_MODEL, join(folder, 'never'), '--rounding', 'up')
  expect(status).toBe(2)
  expect(stderr).toContain('--rounding up: one of search, nearest is needed')
})
