// What is uploaded stays small: the worker's script, minified as wrangler.toml says and gzipped too, and each build of the
// kernels. size-budget.json has their limits in bytes: the script's half a per cent above what it was when they were written, the
// kernels' some 3 per cent. The script's were 337,000 and 115,000 before templates had an engine of our own, which is 83 KB of it
// (docs/decisions/0023), and before bodies were checked for shape and digits, fair shares and exact prompts came. Grammars are 90 KB
// (docs/decisions/0024). From 499,500 to 573,000 they grew with Messages, Ollama's API, conversations, several answers to a prompt,
// more samplers and embeddings; to 591,000 with the binding that words Workers AI's interface (10 KB), reports of a session's memory
// (3.5 KB), and the serving of the page (1.5 KB); to 601,700 with prompts that run while weights come (4 KB), options in the place of
// variables and ids that name their model (2 KB), short steps beside answers and quicker sampling (1 KB). The kernels were 25,800,
// 26,800 and 32,400 before columns were written out (3 KB), five-bit matrices (2.3 KB), values in i16 (0.5 KB), and 4-bit matrices whose
// constants have 8 bits (4.5 KB; 5.5 without relaxed SIMD), which take 8 MB off a model.

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
let script: Buffer

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'islet-size-'))
  const [assets, out] = [join(scratch, 'site'), join(scratch, 'out')]
  mkdirSync(assets)
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
  const args = [wrangler, 'deploy', '--dry-run', '--assets', assets, '--outdir', out]
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(scratch, 'log') }
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'], env })
  script = readFileSync(join(out, 'worker.js'))
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

it('the script is ASCII', () => {
  // V8 holds a script with a letter beyond Latin-1 as two bytes a letter, some 0.4 MB more of an isolate. Strings are escaped when
  // bundled, literals of regular expressions and String.raw are not.
  const beyond = script.toString('utf8').match(/.{0,40}[^\0-\x7f].{0,40}/g) ?? []
  expect(beyond).toEqual([])
})
