// Medians, the machine, the printed table and the file of raw values.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { BENCH, ROOT } from './setup.ts'

export type Machine = {
  cpu: string
  cores: number
  memoryBytes: number
  kernel: string
  /** One-minute load when the run began: above 0.5 something else was working. */
  load: number
  node: string
  wrangler: string
  workerd: string
  commit: string
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function describeMachine(): Machine {
  const list = cpus()
  return {
    cpu: list[0]?.model ?? 'unknown',
    cores: list.length,
    memoryBytes: totalmem(),
    kernel: release(),
    load: loadavg()[0],
    node: process.version,
    wrangler: packageVersion('wrangler'),
    workerd: packageVersion('workerd'),
    commit: commit(),
  }
}

/** Writes bench/results/NAME.json, over the older one, and says where. */
export function writeResult(name: string, result: Record<string, unknown>): void {
  const folder = join(BENCH, 'results')
  mkdirSync(folder, { recursive: true })
  // Lists of numbers on one line each.
  const text = JSON.stringify(result, undefined, 1).replace(/\[[-\d.,\se]+\]/g, (list) =>
    list.replace(/\s+/g, ' '),
  )
  writeFileSync(join(folder, `${name}.json`), `${text}\n`)
  console.log(`\nraw values: bench/results/${name}.json`)
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

function packageVersion(name: string): string {
  const fromRoot = createRequire(join(ROOT, 'package.json'))
  return (fromRoot(`${name}/package.json`) as { version: string }).version
}

/** The commit, with `+` when the tree differs from it. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', ROOT, ...args], {
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
