// A lane's settings are its configuration, and where it keeps its sessions and how it is woken.

import type { Budget } from '../storage/room.ts'
import type { Sql } from '../storage/sql.ts'
import type { Lifetimes } from './sessions.ts'
import type { Isolate } from './isolate.ts'
import type { Clock } from '../lib/clock.ts'
import type { ModelReader, WindowSettings } from './windowed-loader.ts'

export type LaneConfig = WindowSettings & {
  /** Folder of the model, and its id. */
  model: string
  /** Rows of a step. */
  chunk: number
  /** Bytes of KV pages in memory, but at least what one sequence needs; 0 = what the isolate affords. */
  kvBudget: number
  lifetimes: Lifetimes
  budget: Budget
}

/** Where a lane keeps its sessions, and how it is woken. */
export type LaneStorage = {
  /** Of the object that has it. */
  id: string
  sql: Sql
  newId(): string
  /** Asks for `awake` to be called at that time, milliseconds since 1970, and at no other. */
  wakeAt(time: number): void
}

/** What a lane is made of. */
export type LaneParts = ModelReader & {
  config: LaneConfig
  isolate: Isolate
  clock: Clock
  storage: LaneStorage
  /** The model has stages in other isolates, which this object alone can ask. */
  isChain?: boolean
  log(entry: Record<string, unknown>): void
}
