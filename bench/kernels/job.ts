// What the benchmark asks of its child process, and what comes back.

import type { KernelRow } from '../lib/result-types.ts'

/** Builds that are timed, with the probe of the dots that each computes. */
export const BUILDS = [
  { build: 'quads', probe: 'dots_add' },
  { build: 'relaxed', probe: 'dots' },
] as const

export type KernelJob = {
  rounds: number
  /** Folder of islet.BUILD.wasm. */
  folder: string
  probes: string
  /** A second such folder to compare with. */
  against?: string
  /** Parts of the names of what to measure. */
  kernel?: string
  model?: string
}

/** With a second folder: its times, and whether its results are the same bytes. */
export type ComparedRow = KernelRow & { other?: { seconds: number[]; equal: boolean } }
