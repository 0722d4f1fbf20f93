// Write-behind decides when what a running turn computes becomes durable: its KV pages, and its record.

import type { Engine } from '../engine/engine.ts'
import type { Model } from '../graph/model.ts'
import { fullPages, type Sequence } from '../engine/sequence.ts'
import type { StorageUse } from '../protocol/lane-reports.ts'
import type { PageStore } from '../storage/page-store.ts'
import type { StorageGuard } from '../storage/storage-guard.ts'
import { timed } from '../storage/storage-use.ts'
import { generatedTokens, type TurnRecord } from '../storage/turn-record.ts'
import type { TurnStore } from '../storage/turn-store.ts'

/** A record's state is written this often while its answer grows. */
const CHECKPOINT_MS = 2000

/**
 * A page that is full waits this long for others to fill a row with it: with two ticks of the lane it is
 * durable within a second.
 */
const PAGE_MS = 400

/** A turn that runs. `ids` of its answer and `runs` of pages were there when its row was last written. */
type Running = { record: TurnRecord; savedAt: number; ids: number; runs: number }

export type WriteBehindParts = {
  turns: TurnStore
  pages: PageStore
  guard: StorageGuard
  use: StorageUse
  now(): number
  /** The engine in place, if it is sound. */
  engine(): Engine<Model> | undefined
  /** Ids of the runs that hold the record's pages. */
  runsOf(record: TurnRecord): number[]
}

export class WriteBehind {
  readonly #parts: WriteBehindParts
  readonly #running = new Map<TurnRecord, Running>()
  /** Since when each sequence has full pages that are not saved, behind so many that are. */
  readonly #unsaved = new WeakMap<Sequence, { saved: number; since: number }>()

  constructor(parts: WriteBehindParts) {
    this.#parts = parts
  }

  /** The turn runs from now on. */
  begin(record: TurnRecord): void {
    this.#running.set(record, { record, savedAt: record.usedAt, ids: -1, runs: 0 })
  }

  /** The turn runs no more: all that there is of it becomes durable. */
  end(record: TurnRecord): void {
    const running = this.#running.get(record)
    if (running === undefined) return
    this.#running.delete(record)
    this.#flush(this.#parts.engine(), (sequence) => sequence.session === record.session)
    this.#checkpoint(running)
    this.#parts.pages.list()
  }

  /** Writes what is due; true while something will be. */
  tick(): boolean {
    const now = this.#parts.now()
    const pending = this.#flush(this.#parts.engine(), (sequence) => {
      const seen = this.#unsaved.get(sequence)
      if (seen?.saved === sequence.saved) return now - seen.since >= PAGE_MS
      this.#unsaved.set(sequence, { saved: sequence.saved, since: now })
      return false
    })
    for (const running of this.#running.values())
      if (now - running.savedAt >= CHECKPOINT_MS) this.#checkpoint(running)
    this.#parts.pages.list()
    return !this.#parts.guard.lost && (pending || this.#running.size > 0)
  }

  /** Writes a turn's row as the record stands. */
  write(record: TurnRecord): void {
    const { guard, use, turns, runsOf } = this.#parts
    guard.attempt(() => timed(use, 'saveMs', () => turns.update(record, runsOf(record))))
  }

  /**
   * Saves whole rows of full pages, and the rest where `isDue`; true while pages are left that are not saved.
   */
  #flush(engine: Engine<Model> | undefined, isDue: (sequence: Sequence) => boolean): boolean {
    if (engine === undefined || engine.failure !== undefined || engine.model.staging.pages === 0) return false
    // Pages that are due now are written by a later tick.
    if (engine.isPlanned && !engine.model.stagesAnytime) return true
    const store = this.#parts.pages
    let pending = false
    for (const sequence of engine.sequencesOf(store)) {
      const pages = fullPages(sequence)
      if (pages <= sequence.saved) continue
      const rows = Math.floor((pages - sequence.saved) / engine.model.staging.pages)
      const whole = sequence.saved + rows * engine.model.staging.pages
      store.saveUnlisted(sequence, engine.model, whole)
      if (sequence.saved < pages && isDue(sequence)) store.saveUnlisted(sequence, engine.model, pages)
      pending ||= sequence.saved < pages
    }
    return pending
  }

  /** Writes the row if anything has come since it was written. */
  #checkpoint(running: Running): void {
    const { record, ids, runs } = running
    const { now, use } = this.#parts
    running.savedAt = now()
    record.usedAt = running.savedAt
    const generated = generatedTokens(record)
    if (ids === generated && runs === use.runs && record.state === 'running') return
    running.ids = generated
    running.runs = use.runs
    this.write(record)
  }
}
