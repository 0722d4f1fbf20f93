// What is uploaded stays small: the worker's script, minified as wrangler.toml says and gzipped too, and each build of the
// kernels. size-budget.json has their limits in bytes, some 3 per cent above what they were when it was written.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ROOT } from '../../tools/root.ts'
import budget from './size-budget.json' with { type: 'json' }

const KERNELS = ['islet.quads.wasm', 'islet.relaxed.wasm', 'islet.plain.wasm']

let scratch: string
let sizes: Record<string, number>

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'islet-size-'))
  const [assets, out] = [join(scratch, 'site'), join(scratch, 'out')]
  mkdirSync(assets)
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
  const args = [wrangler, 'deploy', '--dry-run', '--assets', assets, '--outdir', out]
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(scratch, 'log') }
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'], env })
  const script = readFileSync(join(out, 'worker.js'))
  sizes = {
    'worker.js': script.length,
    'worker.js, gzipped': gzipSync(script, { level: 9 }).length,
    ...Object.fromEntries(KERNELS.map((name) => [name, readFileSync(join(ROOT, 'build', name)).length])),
  }
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

it('measures what the budget names', () => {
  expect(Object.keys(sizes).sort()).toEqual(Object.keys(budget).sort())
})

it.each(Object.entries(budget))('%s is at most %i bytes', (name, limit) => {
  expect(sizes[name]).toBeGreaterThan(0)
  expect(sizes[name], `raise test/workers/size-budget.json only with a reason`).toBeLessThanOrEqual(limit)
})
