// A chain under `wrangler dev`: a model cut for it alone, its scripts in one process or two, nothing left behind.

import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { CHAIN_LOGIT_ROWS } from '../../src/graph/chain-memory.ts'
import { cutModel } from '../../src/packing/cut.ts'
import type { StageCount } from '../../src/packing/plan-stages.ts'
import type { PlanSettings } from '../../src/packing/stage-memory.ts'
import { chainScripts } from '../../tools/chain-scripts.ts'
import { freePort } from '../../tools/free-port.ts'
import { writeScripts } from '../../tools/scripts.ts'
import { answers, end, run, type Running } from './worker.ts'

/** Some of the scripts, in one process. */
export type ChainHalf = {
  /** Ends wrangler and workerd as a power cut would; what they stored stays. */
  kill(): Promise<void>
  /** Starts again on what is stored. */
  restart(): Promise<void>
}

export type TestChain = {
  url: string
  model: string
  inspector: string
  log(): string
  /** All scripts, where they share a process. */
  hub: ChainHalf
  /** The same as the hub's where they do. */
  stages: ChainHalf
  stop(): Promise<void>
}

export type ChainOptions = {
  vars?: Record<string, string>
  processes?: 1 | 2
  /** Entry of the stages in place of src/stage.ts. */
  stageMain?: string
  plan?: Partial<PlanSettings>
  /** Variables of wrangler itself. */
  env?: Record<string, string>
}

/** Serves the packed model in `folder`, cut into `stages`. Returns once it can answer: wrangler begins anew when it has the last of several scripts. */
export async function startChain(
  folder: string,
  stages: StageCount,
  { vars = {}, processes = 1, stageMain, plan = {}, env: given = {} }: ChainOptions = {},
): Promise<TestChain> {
  const scratch = mkdtempSync(join(tmpdir(), 'islet-chain-'))
  const copy = join(scratch, 'models', basename(folder))
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.includes('/stages') })
  await cutModel(copy, stages, {
    window: { window: 1024, sinks: 4 },
    chunk: 32,
    logitRows: CHAIN_LOGIT_ROWS,
    ...plan,
  })
  const { scripts, id } = chainScripts('islet', copy, vars)
  const [first, ...others] = scripts
  const mains = others.map((script) => (stageMain === undefined ? script : { ...script, main: stageMain }))
  const written = writeScripts([first, ...mains], join(scratch, 'scripts'))
  const hub = written.filter(({ name }) => name === first.name).map(({ config }) => config)
  const behind = written.filter(({ name }) => name !== first.name).map(({ config }) => config)
  let log = ''
  const registry = join(scratch, 'registry')
  const half = async (name: string, configs: readonly string[], answering: string) => {
    const [port, inspector, temporary] = [await freePort(), await freePort(), join(scratch, `tmp-${name}`)]
    mkdirSync(temporary)
    const flags = {
      port,
      'inspector-port': inspector,
      'persist-to': join(scratch, `state-${name}`),
      ip: '127.0.0.1',
      'show-interactive-dev-session': false,
    }
    const args = [
      ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
      ...configs.map((config) => `--config=${config}`),
    ]
    const env = { TMPDIR: temporary, WRANGLER_REGISTRY_PATH: registry, ...given }
    const url = `http://127.0.0.1:${port}`
    let running: Running
    const restart = async (): Promise<void> => {
      // One that was killed has left its entries, and for 90 s no other of the name gets in: findings/dev-registry-killed.sh.
      for (const config of configs) rmSync(join(registry, basename(dirname(config))), { force: true })
      running = run(args, { cwd: scratch, env }, (text) => (log += text))
      await answers(`${url}${answering}`, running, 'none', answering === '/' ? 404 : 200)
    }
    await restart().catch(async (error: unknown) => {
      await end(running, 'SIGTERM')
      throw new Error(`the ${name} did not start:\n${log.slice(-4000)}`, { cause: error })
    })
    return {
      url,
      inspector: `http://127.0.0.1:${inspector}`,
      restart,
      kill: () => end(running, 'SIGKILL'),
      stop: () => end(running, 'SIGTERM'),
    }
  }
  const isTwo = processes === 2
  const stagesHalf = isTwo ? await half('stages', behind, '/') : undefined
  const hubHalf = await half('hub', isTwo ? hub : [...hub, ...behind], '/health')
  return {
    url: hubHalf.url,
    inspector: hubHalf.inspector,
    model: id,
    log: () => log,
    hub: hubHalf,
    stages: stagesHalf ?? hubHalf,
    async stop() {
      await hubHalf.stop()
      await stagesHalf?.stop()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}
