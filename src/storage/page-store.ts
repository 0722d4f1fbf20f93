// The page store keeps KV pages in a lane's SQLite, in runs named by their first page (cache/chain.ts).
// Sessions with the same beginning share its runs, and a run of another tenant, model or window is never even
// looked at.

import { chainRoot, NAME_LENGTH, pageNames, runId } from '../cache/chain.ts'
import type { Model } from '../graph/model.ts'
import type { PromptShape } from '../cache/prompt-shape.ts'
import { fullPages } from '../engine/sequence.ts'
import type { PagedIds, StoredPages, Vault } from '../engine/vault.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import { Ledger } from './ledger.ts'
import { RUN_VERSION } from './schema.ts'
import { bound, insertRow, type Sql } from './sql.ts'
import type { StorageGuard } from './storage-guard.ts'
import type { StorageUse } from '../protocol/lane-reports.ts'
import { noStorageUse, timed } from './storage-use.ts'

/** A run of pages as a prompt finds it: `used` of its pages are the prompt's. `names` are those of all, one behind the other. */
type PageRun = { id: number; head: string; names: string; first: number; count: number; used: number }

/** What names the pages of a prompt, beside the model. */
export type PromptKey = { tenant: string; ids: readonly number[]; shape: PromptShape }

export class PageStore implements Vault {
  readonly id: string
  readonly #sql: Sql
  readonly #guard: StorageGuard
  /** Names of pages that were saved, and where the runs that hold them end. */
  #saved = new WeakMap<PagedIds, { names: string[]; end: number; last: number | undefined }>()
  /** Names of all pages, by the owner that asks again and again. */
  #names = new WeakMap<object, string[]>()
  #basis: readonly unknown[] | undefined
  readonly #use: StorageUse
  readonly #ledger: Ledger
  /** Told which runs are not there any more. */
  onDropped: (runs: readonly number[]) => void = () => undefined
  /** Whether a tenant may store so many bytes of pages more; makes room for them if it can. */
  hasRoom: (tenant: string, bytes: number) => boolean = () => true

  /** Once `guard` has lost its storage nothing is found and nothing written. */
  constructor(id: string, sql: Sql, guard: StorageGuard, use = noStorageUse(), ledger = new Ledger(sql)) {
    this.id = id
    this.#sql = sql
    this.#use = use
    this.#guard = guard
    this.#ledger = ledger
    ledger.runs.onDeleted = (runs) => {
      this.#saved = new WeakMap()
      this.onDropped(runs)
    }
  }

  /**
   * Says what pages are computed by: model, template, quantisation, window. Before this nothing is found and
   * nothing written.
   */
  useModel(basis: readonly unknown[]): void {
    this.#basis = basis
    this.#saved = new WeakMap()
    this.#names = new WeakMap()
  }

  find(prompt: PromptKey): StoredPages | undefined {
    const limit = Math.floor((prompt.ids.length - 1) / PAGE_POSITIONS)
    const runs = timed(this.#use, 'findMs', () =>
      this.#guard.attempt(() => this.#runsOf(this.#namesOf(prompt, limit))),
    )
    if (runs === undefined || runs.length === 0) return undefined
    return {
      length: end(runs) * PAGE_POSITIONS,
      restore: (model, pageOf) =>
        timed(this.#use, 'restoreMs', () =>
          this.#guard.attempt(() => runs.every((run) => this.#load(run, model, pageOf))),
        ) ?? false,
    }
  }

  save(sequence: PagedIds, model: Model, pages = fullPages(sequence)): void {
    this.saveUnlisted(sequence, model, pages)
    this.list()
  }

  /** The same for whoever names the runs in a turn's row at once, or calls `list` when all are written. */
  saveUnlisted(sequence: PagedIds, model: Model, pages: number): void {
    if (sequence.saved >= pages || model.staging.pages === 0) return
    timed(this.#use, 'saveMs', () => this.#guard.attempt(() => this.#saveUpTo(sequence, model, pages)))
  }

  /** Stores which runs no turn's row names yet, for the object after this one. */
  list(): void {
    this.#guard.attempt(() => this.#ledger.runs.list())
  }

  /**
   * Ids of the runs that hold a prompt's stored pages, and the number of these. The ids of one `owner` may
   * only grow.
   */
  held(prompt: PromptKey, owner: object): { runs: number[]; pages: number } {
    const pages = Math.floor(prompt.ids.length / PAGE_POSITIONS)
    const names = this.#namesOf(prompt, pages, this.#names.get(owner))
    this.#names.set(owner, names)
    const runs = this.#guard.attempt(() => this.#runsOf(names)) ?? []
    return {
      runs: runs.map(({ id }) => id),
      pages: runs.reduce((sum, { used }) => sum + used, 0),
    }
  }

  #saveUpTo(sequence: PagedIds, model: Model, pages: number): void {
    const { tenant, ids, shape, saved } = sequence
    if (tenant === undefined) return
    const known = this.#saved.get(sequence)
    const names = this.#namesOf({ tenant, ids, shape }, pages, known?.names.slice(0, saved))
    // After a cut, a fork or a deletion `saved` may lie inside a run, and the next run must begin where that
    // one ends.
    const runs = known?.end === saved ? undefined : this.#runsOf(names)
    let at = runs === undefined ? saved : end(runs)
    let last = runs === undefined ? known?.last : runs.at(-1)?.id
    while (at < names.length) {
      const [run] = this.#runsOf(names, at, 1)
      const count = run?.used ?? this.#write(sequence, model, names, at, last)
      if (count === 0) break
      last = run?.id ?? runId(names[at])
      at += count
    }
    this.#saved.set(sequence, { names, end: at, last })
    // Pages behind one that has left memory count as saved: they could not be found without it.
    sequence.saved = names.length
  }

  #namesOf({ tenant, ids, shape }: PromptKey, pages: number, known?: readonly string[]): string[] {
    if (this.#basis === undefined) return []
    // Asked for every 250 ms: behind a name that is known none needs the root, which is a hash of a kilobyte.
    const isBegun = known !== undefined && known.length > 0
    const root = isBegun ? '' : chainRoot([RUN_VERSION, ...this.#basis, tenant, shape])
    return pageNames(root, ids, pages, known)
  }

  /** Runs that follow each other from page `at` on. */
  #runsOf(names: readonly string[], at = 0, most = Infinity): PageRun[] {
    const runs: PageRun[] = []
    while (at < names.length && runs.length < most) {
      const head = names[at]
      const id = runId(head)
      const [row] = this.#sql.exec('SELECT count, names FROM kv_runs WHERE id = ?', id).toArray()
      if (row === undefined) break
      const count = Number(row['count'])
      const stored = String(row['names'])
      let used = 0
      while (used < count && at + used < names.length && nameAt(stored, used) === names[at + used]) used++
      if (used === 0) break
      runs.push({ id, head, names: stored, first: at, count, used })
      at += used
    }
    return runs
  }

  #load(run: PageRun, model: Model, pageOf: (index: number) => number | undefined): boolean {
    const pages = Array.from({ length: run.count }, (_, i) =>
      i < run.used ? pageOf(run.first + i) : undefined,
    )
    if (pages.every((page) => page === undefined)) return true
    const [row] = this.#sql
      .exec('SELECT checksum, bytes FROM kv_runs WHERE id = ? AND head = ?', run.id, run.head)
      .toArray()
    if (row !== undefined) {
      const buffer = row['bytes'] as ArrayBuffer
      const names = Array.from(pages, (_, i) => nameAt(run.names, i))
      const whole = model.staging.scatter(new Uint8Array(buffer), String(row['checksum']), pages, names)
      // Megabytes that would linger until the host next collects its garbage.
      buffer.transfer(0)
      if (whole) {
        this.#use.pagesRestored += pages.filter((page) => page !== undefined).length
        return true
      }
    }
    this.#delete(run)
    return false
  }

  /**
   * Writes one run from page `at` on, behind the run `before`; 0 where that page has left memory, or there is
   * no room.
   */
  #write(
    sequence: PagedIds,
    model: Model,
    names: readonly string[],
    at: number,
    before: number | undefined,
  ): number {
    const { tenant } = sequence
    const pages: number[] = []
    while (pages.length < model.staging.pages && at + pages.length < names.length) {
      const page = sequence.pages[at + pages.length]
      if (page === undefined) break
      pages.push(page)
    }
    const size = pages.length * (model.pages.pageBytes + NAME_LENGTH)
    if (pages.length === 0 || tenant === undefined || !this.hasRoom(tenant, size)) return 0
    const own = names.slice(at, at + pages.length)
    const { bytes, checksum } = model.staging.gather(pages, own)
    const id = runId(own[0])
    insertRow(this.#sql, 'INSERT OR REPLACE INTO kv_runs', {
      id,
      head: own[0],
      version: RUN_VERSION,
      count: pages.length,
      names: own.join(''),
      checksum,
      bytes,
    })
    const stored = bytes.length + own.length * NAME_LENGTH
    this.#ledger.runs.written({ id, tenant, parent: before, bytes: stored })
    this.#use.runs += 1
    this.#use.runBytes += bytes.length
    return pages.length
  }

  /** Runs are of no use, since a stage of the chain has lost its part of them. */
  forget(runs: readonly number[]): void {
    this.#guard.attempt(() => {
      for (const id of runs) {
        const [row] = this.#sql.exec('SELECT head FROM kv_runs WHERE id = ?', id).toArray()
        if (row !== undefined) this.#delete({ id, head: String(row['head']) })
      }
    })
  }

  #delete({ id, head }: Pick<PageRun, 'id' | 'head'>): void {
    this.#saved = new WeakMap()
    this.#sql.exec(...bound`DELETE FROM kv_runs WHERE id = ${id} AND head = ${head}`)
    this.#ledger.runs.damaged(id)
  }
}

/** The page behind runs that follow each other from 0. */
function end(runs: readonly PageRun[]): number {
  const last = runs.at(-1)
  return last === undefined ? 0 : last.first + last.used
}

function nameAt(names: string, index: number): string {
  return names.slice(index * NAME_LENGTH, (index + 1) * NAME_LENGTH)
}
