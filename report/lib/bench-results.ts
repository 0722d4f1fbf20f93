// This module reads result files of the benchmark; one that is missing or of an older format is absent.

import { existsSync, readFileSync } from 'node:fs'
import {
  FORMATS,
  type ColdResult,
  type GapsResult,
  type HostsResult,
  type KernelsResult,
  type MemoryResult,
  type Mode,
  type PeersResult,
  type PersistResult,
  type GemmaResult,
  type SessionsResult,
  type SlowResult,
  type SpeedResult,
  type WarmResult,
  type WindowResult,
} from '../../bench/lib/result-types.ts'
import type { Result } from '../../bench/lib/results.ts'

export type Results = {
  speed?: SpeedResult
  peers?: PeersResult
  window?: WindowResult
  sessions?: SessionsResult
  gemma?: GemmaResult
  hosts?: HostsResult
  memory?: MemoryResult
  cold?: ColdResult
  'cold-slow'?: SlowResult
  warm?: WarmResult
  kernels?: KernelsResult
  persist?: PersistResult
  gaps?: GapsResult
}

/** Cores that something else may keep busy, on average, before times are called disturbed. */
const QUIET = 0.2

/** The same by the one-minute load, where an older result has nothing better. */
const QUIET_LOAD = 0.5

export function readResults(folder: string): Results {
  const read = (mode: Mode): Result | undefined => {
    const file = `${folder}/${mode}.json`
    if (!existsSync(file)) return undefined
    const result = JSON.parse(readFileSync(file, 'utf8')) as Result
    return (result.format ?? 1) === FORMATS[mode] ? result : undefined
  }
  const modes = Object.keys(FORMATS) as Mode[]
  return Object.fromEntries(modes.map((mode) => [mode, read(mode)])) as Results
}

/** What stands where a result is not there. */
export function howToMeasure(mode: Mode): string {
  const commands: Partial<Record<Mode, string>> = {
    speed: 'npm run bench',
    kernels: 'npm run bench:kernels',
    memory: 'npm run bench -- memory --largest',
  }
  return `Nothing is committed here yet: \`${commands[mode] ?? `npm run bench -- ${mode}`}\` measures it.`
}

/** Where a result comes from; another load makes times longer, and changes no size. */
export function provenance(result: Result, isTime = true): string {
  const { cpu, cores, node, workerd, dots, commit, load, busy } = result.machine
  const tree = commit.replace(/^([0-9a-f]{7})[0-9a-f]+/, '$1').replace('+', ' with changes')
  const disturbed = busy === undefined ? load > QUIET_LOAD : busy > QUIET
  const words = busy === undefined ? `load ${load.toFixed(1)}` : `${busy.toFixed(1)} cores busy before`
  const retried = (result as { retried?: string[] }).retried?.length ?? 0
  return [
    `Measured on ${cpu}, ${cores} cores, Node ${node.replace('v', '')}, workerd ${workerd}${dots === undefined ? '' : `, class ${dots}`}, commit ${tree}.`,
    ...(isTime && disturbed
      ? [`The machine was not idle (${words}), so this may be slower than it is.`]
      : []),
    ...(retried > 0 ? [`${retried} runs failed and were done again.`] : []),
  ].join(' ')
}
