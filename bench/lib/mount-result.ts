// What `npm run mount` keeps in docs/results/mount.json, for the report to read.

import type { Machine } from './results.ts'

/** Milliseconds a request, of `count` in a row each way. */
export type MountResult = {
  machine: Machine
  commit: string
  count: number
  rounds: { alone: number; mounted: number }[]
}

/** Most that a mounted API may add to a request. */
export const MOUNT_GOAL_MS = 0.1
