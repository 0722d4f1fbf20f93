// The run ledger counts who needs each page run, and deletes those that nobody needs, a few at a time.
// Runs form chains, since the name of a page covers all pages before it: a run needs the one before it, and a
// turn needs its last. So one number for a turn and one for a run tell what is needed, however long the
// prompt is.

import { bound, type Sql } from './sql.ts'
import type { Totals } from './totals.ts'

/** What a run takes beside its bytes and names: keys, checksum, its entry here. */
export const RUN_BYTES = 256

/** `parent`: the run of the pages before it. `bytes`: of pages and names. */
export type WrittenRun = { id: number; tenant: string; parent: number | undefined; bytes: number }

/** How much one step deletes at most: some milliseconds of the lane. */
export const STEP = { rows: 64, bytes: 8e6 }

export class RunLedger {
  readonly #sql: () => Sql
  readonly #totals: () => Totals
  readonly #now: () => number
  /**
   * Runs that were written and are not entered yet: most get their first turn at once, which saves the rows
   * between.
   */
  readonly #pending = new Map<number, WrittenRun & { refs: number }>()
  /** By how much the entered runs are needed more than their entries say; most changes cancel out. */
  readonly #changes = new Map<number, number>()
  /** Runs that the stored list of those to enter has. */
  #listed = new Set<number>()
  /** Told the ids of runs that were deleted. */
  onDeleted: (runs: readonly number[]) => void = () => undefined

  /** `sql` with the ledger's tables in it. */
  constructor(sql: () => Sql, totals: () => Totals, now: () => number) {
    this.#sql = sql
    this.#totals = totals
    this.#now = now
  }

  /** The row of a run was written; should one of that id have been there, it has taken its place. */
  written(run: WrittenRun): void {
    const bytes = run.bytes + RUN_BYTES
    this.#totals().add(run.tenant, bytes)
    const pending = this.#pending.get(run.id)
    const [known] = pending !== undefined ? [pending] : this.#entry(run.id)
    if (known === undefined) {
      this.#pending.set(run.id, { ...run, bytes, refs: 0 })
      this.hold(run.parent)
      return
    }
    this.#totals().add(known.tenant, -known.bytes)
    this.hold(run.parent)
    this.release(known.parent)
    if (pending !== undefined) Object.assign(pending, run, { bytes })
    else
      this.#sql().exec(
        ...bound`UPDATE run_use SET tenant = ${run.tenant}, parent = ${run.parent ?? null}, bytes = ${bytes},
        freed = ${this.#now()} WHERE id = ${run.id}`,
      )
    this.enter()
  }

  /** The row of a run was deleted because it was damaged; those that need it may write it again. */
  damaged(id: number): void {
    const pending = this.#pending.get(id)
    const [known] = pending !== undefined ? [pending] : this.#entry(id)
    if (known === undefined) return
    this.#totals().add(known.tenant, -known.bytes)
    if (pending !== undefined) pending.bytes = 0
    else this.#sql().exec('UPDATE run_use SET bytes = 0 WHERE id = ?', id)
  }

  /** One more needs the run, and with it those before it. */
  hold(id: number | undefined): void {
    if (id === undefined) return
    const pending = this.#pending.get(id)
    if (pending !== undefined) pending.refs += 1
    else this.#change(id, 1)
  }

  /** One less needs it: with the last one the run is in the queue of those to delete. */
  release(id: number | undefined): void {
    if (id === undefined) return
    const pending = this.#pending.get(id)
    if (pending !== undefined) pending.refs -= 1
    else this.#change(id, -1)
  }

  #change(id: number, by: number): void {
    this.#changes.set(id, (this.#changes.get(id) ?? 0) + by)
  }

  /** Stores which runs are not entered yet: should this object be lost, the next one looks for these alone. */
  list(): void {
    const ids = [...this.#pending.keys()]
    if (ids.every((id) => this.#listed.has(id))) return
    this.#sql().exec('UPDATE ledger SET entering = ?', JSON.stringify(ids))
    this.#listed = new Set(ids)
  }

  /** Enters the runs that were written since, and by how much the others are needed more or less. */
  enter(): void {
    for (const { id, tenant, parent, bytes, refs } of this.#pending.values())
      this.#sql().exec(
        ...bound`INSERT OR REPLACE INTO run_use (id, tenant, parent, refs, bytes, freed)
        VALUES (${id}, ${tenant}, ${parent ?? null}, ${refs}, ${bytes}, ${this.#now()})`,
      )
    this.#pending.clear()
    for (const [id, by] of this.#changes)
      if (by !== 0)
        this.#sql().exec(
          ...bound`UPDATE run_use SET freed = CASE WHEN refs > 0 AND refs + ${by} <= 0 THEN 0 ELSE freed END,
          refs = MAX(0, refs + ${by}) WHERE id = ${id}`,
        )
    this.#changes.clear()
  }

  /**
   * Deletes runs that nobody needs: those given up, and those that were written until `since` and that no
   * turn has named. At most a step's worth; true if there may be more.
   */
  sweep(since = 0): boolean {
    const due = Math.max(0, since)
    const deleted: number[] = []
    let bytes = 0
    for (;;) {
      this.enter()
      const free = this.#sql()
        .exec(
          ...bound`SELECT id, tenant, parent, bytes FROM run_use INDEXED BY run_to_delete
          WHERE refs = 0 AND freed <= ${due} ORDER BY freed LIMIT ${STEP.rows}`,
        )
        .toArray()
      if (free.length === 0) break
      for (const run of free) {
        this.#delete(run)
        deleted.push(Number(run['id']))
        bytes += Number(run['bytes'])
        if (deleted.length >= STEP.rows || bytes >= STEP.bytes) return this.#swept(deleted, true)
      }
    }
    return deleted.length > 0 && this.#swept(deleted, false)
  }

  /** When the next run is due that no turn has named; undefined for none. */
  oldestUnnamed(): number | undefined {
    this.enter()
    const [row] = this.#sql().exec('SELECT MIN(freed) AS freed FROM run_use WHERE refs = 0').toArray()
    return row['freed'] === null ? undefined : Number(row['freed'])
  }

  #delete(run: Record<string, unknown>): void {
    const id = Number(run['id'])
    this.#sql().exec('DELETE FROM kv_runs WHERE id = ?', id)
    this.#sql().exec('DELETE FROM run_use WHERE id = ?', id)
    this.#totals().add(String(run['tenant']), -Number(run['bytes']))
    this.release(run['parent'] === null ? undefined : Number(run['parent']))
  }

  #swept(deleted: readonly number[], more: boolean): boolean {
    this.enter()
    this.onDeleted(deleted)
    return more
  }

  #entry(id: number): { tenant: string; bytes: number; parent: number | undefined }[] {
    const rows = this.#sql().exec('SELECT tenant, bytes, parent FROM run_use WHERE id = ?', id).toArray()
    return rows.map(({ tenant, bytes, parent }) => ({
      tenant: String(tenant),
      bytes: Number(bytes),
      parent: parent === null ? undefined : Number(parent),
    }))
  }
}
