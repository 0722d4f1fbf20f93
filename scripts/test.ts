// `npm test`: builds the kernels, says how to get the real model where it is missing, and runs every test.
// With ISLET_REQUIRE_MODEL a missing model is a failure instead of a skip (CI).

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEFAULT_MODEL } from '../cli/lib/pull.ts'
import { buildKernels } from '../tools/build.ts'
import { MODELS } from '../tools/site.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

buildKernels()
if (!existsSync(`${MODELS}/${DEFAULT_MODEL}/manifest.json`)) {
  const line = `islet: ${DEFAULT_MODEL} is not packed; its tests are skipped. To run them: npm run islet -- pull`
  process.stderr.write(`${line}\n`)
  if (process.env['ISLET_REQUIRE_MODEL'] !== undefined) process.exit(1)
}
const vitest = `${ROOT}node_modules/vitest/vitest.mjs`
const { status } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
})
process.exitCode = status ?? 1
