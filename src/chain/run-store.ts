// The run store keeps a stage's own part of stored page runs in the SQLite of its object.
// Their names are given by the lane.

import { runId } from '../cache/chain.ts'
import type { PageStaging } from '../graph/model.ts'
import { bound, insertRow, type Sql } from '../storage/sql.ts'

const SCHEMA =
  // The key is a number, as in the lane's storage.
  'CREATE TABLE IF NOT EXISTS stage_runs (id INTEGER PRIMARY KEY, names TEXT NOT NULL, checksum TEXT NOT NULL, ' +
  'bytes BLOB NOT NULL, used INTEGER NOT NULL)'

const BY_USE = 'CREATE INDEX IF NOT EXISTS stage_runs_by_use ON stage_runs (used)'

export class RunStore {
  readonly #sql: Sql
  readonly #now: () => number

  /** `now`: milliseconds since 1970. */
  constructor(sql: Sql, now: () => number) {
    this.#sql = sql
    this.#now = now
    sql.exec(SCHEMA)
    sql.exec(BY_USE)
  }

  /** Writes a run of pages. */
  save(staging: PageStaging, names: readonly string[], pages: readonly number[]): void {
    const { bytes, checksum } = staging.gather(pages, names)
    const row = { id: runId(names[0]), names: names.join(''), checksum, bytes, used: this.#now() }
    insertRow(this.#sql, 'INSERT OR REPLACE INTO stage_runs', row)
  }

  /**
   * Puts a run into the pages that are wanted. False where it is not there, or not what it was: then it is deleted, and no page was
   * touched.
   */
  restore(staging: PageStaging, names: readonly string[], pages: readonly (number | undefined)[]): boolean {
    const id = runId(names[0])
    const [row] = this.#sql.exec('SELECT names, checksum, bytes FROM stage_runs WHERE id = ?', id).toArray()
    if (row === undefined) return false
    const bytes = row['bytes'] as ArrayBuffer
    const isSame = row['names'] === names.join('')
    const isWhole = isSame && staging.scatter(new Uint8Array(bytes), String(row['checksum']), pages, names)
    // Megabytes that would linger until the host next collects its garbage.
    bytes.transfer(0)
    if (isWhole) this.#sql.exec(...bound`UPDATE stage_runs SET used = ${this.#now()} WHERE id = ${id}`)
    else this.drop([id])
    return isWhole
  }

  drop(runs: readonly number[]): void {
    for (const id of runs) this.#sql.exec('DELETE FROM stage_runs WHERE id = ?', id)
  }

  /** Deletes what was not used since `time`; gives when the next is due to be, in terms of its last use. */
  collect(time: number): number | undefined {
    this.#sql.exec('DELETE FROM stage_runs WHERE used < ?', time)
    const [row] = this.#sql.exec('SELECT MIN(used) AS used FROM stage_runs').toArray()
    return typeof row['used'] === 'number' ? row['used'] : undefined
  }

  /** For health: runs, and their bytes. */
  get use(): { runs: number; bytes: number } {
    const [row] = this.#sql
      .exec('SELECT COUNT(*) AS runs, COALESCE(SUM(octet_length(bytes)), 0) AS bytes FROM stage_runs')
      .toArray()
    return { runs: Number(row['runs']), bytes: Number(row['bytes']) }
  }
}
