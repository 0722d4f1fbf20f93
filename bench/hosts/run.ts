// One job in a fresh process of a host: for the hosts benchmark, and for tests of identity.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { runPage, type Chromium } from '../lib/chromium.ts'
import { MODEL_FOLDER } from '../lib/model.ts'
import { BENCH, ROOT } from '../lib/setup.ts'
import type { EngineJob, EngineReport } from './engine.ts'

const LIMIT_MS = 300_000

/** In headless Chromium (lib/chromium.ts finds one). `model`: a packed folder. Kernels must be built. */
export async function runInChromium(
  chromium: Chromium,
  job: EngineJob,
  model: string = MODEL_FOLDER,
): Promise<EngineReport> {
  const files = { model, kernels: join(ROOT, 'build') }
  const script = join(BENCH, 'hosts/page.ts')
  return (await runPage(chromium, { script, job, files, limitMs: LIMIT_MS })) as EngineReport
}

/** In a Node of its own; `node`: its executable and flags, if not this one's. */
export function runInNode(
  job: EngineJob,
  model: string = MODEL_FOLDER,
  [node, ...flags]: readonly string[] = [process.execPath],
): EngineReport {
  const args = [...flags, join(BENCH, 'hosts/node.ts'), JSON.stringify({ ...job, model })]
  const text = execFileSync(node, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(text) as EngineReport
}
