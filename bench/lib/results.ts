// Medians, the machine, the printed table and the file of raw values.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dotFlags, workerdDots, type Dots } from './dots.ts'
import { BENCH, ROOT } from './setup.ts'

export type Machine = {
  cpu: string
  cores: number
  memoryBytes: number
  kernel: string
  /** One-minute load when the run began; it remembers what ran just before. */
  load: number
  /** Cores that something else kept busy while the benchmark waited, before it began. */
  busy?: number
  node: string
  wrangler: string
  workerd: string
  /** The class of the hosts that were measured; absent in older files. */
  dots?: Dots
  commit: string
}

/** What every result file has. `format` rises when readers would misread an older file; absent = 1. */
export type Result = { name: string; format?: number; model: string; machine: Machine }

/** How long the machine is watched before a run. */
const WATCH_MS = 2000

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Call first, with nothing of the benchmark running yet. */
export async function describeMachine(): Promise<Machine> {
  const list = cpus()
  return {
    cpu: list[0]?.model ?? 'unknown',
    cores: list.length,
    memoryBytes: totalmem(),
    kernel: release(),
    load: loadavg()[0],
    busy: await busyCores(),
    node: process.version,
    wrangler: installedVersion('wrangler'),
    workerd: installedVersion('workerd'),
    dots: workerdDots(),
    commit: commit(),
  }
}

/** Writes bench/results/NAME.json, or NAME-pairs.json of hosts that were forced, over the older one, and says where. */
export function writeResult(result: Result): void {
  const folder = join(BENCH, 'results')
  mkdirSync(folder, { recursive: true })
  const file = `${result.name}${dotFlags().length > 0 ? '-pairs' : ''}.json`
  writeFileSync(join(folder, file), `${compactJson(result)}\n`)
  console.log(`\nraw values: bench/results/${file}`)
}

/** JSON with lists of numbers, and objects of plain values that fit, on one line each. */
export function compactJson(value: unknown): string {
  return JSON.stringify(value, undefined, 1)
    .replace(/\[[-\d.,\se]+\]/g, (list) => list.replace(/\s+/g, ' '))
    .replace(/\{[^{}[\]]*\}/g, (object) => {
      const line = object.replace(/\s*\n\s*/g, ' ')
      return line.length <= 100 ? line : object
    })
}

/** Left-aligned first column, the others right-aligned. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  for (const row of all) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
    )
    console.log(cells.join('  '))
  }
}

export function sha256File(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

async function busyCores(): Promise<number> {
  const idle = (): number => cpus().reduce((sum, { times }) => sum + times.idle, 0)
  const [before, start] = [idle(), performance.now()]
  await sleep(WATCH_MS)
  const busy = cpus().length - (idle() - before) / (performance.now() - start)
  return Math.max(0, Math.round(busy * 100) / 100)
}

function installedVersion(name: string): string {
  const fromRoot = createRequire(join(ROOT, 'package.json'))
  return (fromRoot(`${name}/package.json`) as { version: string }).version
}

/** The commit of a checkout, with `+` when the tree differs from it. */
export function commit(root: string = ROOT): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', root, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const changed = git('status', '--porcelain', '--', ':!bench/results') !== ''
    return git('rev-parse', 'HEAD') + (changed ? '+' : '')
  } catch {
    return 'uncommitted'
  }
}
