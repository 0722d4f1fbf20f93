// The headless Chromium of the benchmark's packages, for tests: where these were never installed, it is missing.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromiumIsHere, findChromium, type Chromium } from '../../bench/lib/chromium.ts'
import { BENCH } from '../../bench/lib/setup.ts'

/** What installs it: .ci/run does the same. */
const INSTALL = `node_modules/.bin/node -e "import('./bench/lib/chromium.ts').then((module) => module.findChromium())"`

/** Why tests in Chromium are skipped, or undefined when it is there. With ISLET_REQUIRE_CHROMIUM (CI) a missing one is an error. */
export function missingChromium(): string | undefined {
  const installed =
    existsSync(join(BENCH, 'node_modules')) || process.env['ISLET_BENCH_CHROMIUM'] !== undefined
  if (installed && chromiumIsHere()) return undefined
  if (process.env['ISLET_REQUIRE_CHROMIUM'] !== undefined)
    throw new Error(`Chromium is missing, and CI skips nothing: ${INSTALL}`)
  return `Chromium is not here: ${INSTALL}`
}

/** The browser; call where `missingChromium` found nothing missing. */
export function chromium(): Chromium {
  return findChromium()
}
