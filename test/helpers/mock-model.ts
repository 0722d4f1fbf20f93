// A model that is only bookkeeping: its logits are a hash of all that each position saw, so a wrong page, position,
// order or visibility anywhere in a sequence's past changes what comes next.

import { visible, type WindowOptions } from '../../src/cache/window.ts'
import type { LocalModel, Model, Outputs, Pages, PageStaging, Row } from '../../src/graph/model.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { decoder } from '../../src/models/decoder.ts'
import { checksum } from '../../src/lib/checksum.ts'
import type { ModelSpec } from '../../src/models/spec.ts'

const SIZES = { layers: 1, hidden: 32, heads: 1, kvHeads: 1, headDim: 32, ffn: 32, vocab: 259, context: 512 }

export const MOCK_SPEC: ModelSpec = {
  ...decoder('llama', SIZES, 1e-5, { kind: 'rope', base: 10000, rotaryDim: 32, scaling: { kind: 'none' } }),
  head: { tied: true, normalised: false },
}

export type MockOptions = {
  window?: WindowOptions
  maxRows?: number
  maxLogitRows?: number
  pageCount?: number
  /** Called before each run: throw here to break the engine. */
  onForward?: (rows: readonly Row[]) => void
}

const SLOT_WORDS = 3 // id, position, hash of all that the position saw
const PAGE_BYTES = PAGE_POSITIONS * SLOT_WORDS * 4

function mix(hash: number, value: number): number {
  const x = Math.imul(hash ^ value, 0x9e3779b1)
  return (x ^ (x >>> 15)) >>> 0
}

export class MockModel implements LocalModel, Outputs {
  readonly spec = MOCK_SPEC
  readonly window: WindowOptions
  readonly maxRows: number
  readonly maxLogitRows: number
  readonly pages: Pages
  readonly staging: PageStaging
  /** What each run was given, as [rows, rows with logits]. */
  readonly steps: [number, number][] = []
  readonly linearMemoryBytes = 65536
  /** What the host would have written: set its value. */
  readonly signal = {
    value: 0,
    clear(): void {
      this.value = 0
    },
  }
  released = false
  readonly #onForward: (rows: readonly Row[]) => void
  readonly #pool: Uint32Array
  #logits: Float32Array[] = []
  #hidden: Float32Array[] = []

  constructor(options: MockOptions = {}) {
    this.window = options.window ?? { window: undefined, sinks: 0 }
    this.maxRows = options.maxRows ?? 16
    this.maxLogitRows = options.maxLogitRows ?? 4
    this.#onForward = options.onForward ?? (() => undefined)
    const count = options.pageCount ?? 64
    this.#pool = new Uint32Array((count * PAGE_BYTES) / 4).fill(0xdeadbeef)
    this.pages = pagesIn(this.#pool, count)
    this.staging = stagingOf(this.pages)
  }

  get rowsRun(): number {
    return this.steps.reduce((sum, [rows]) => sum + rows, 0)
  }

  release(): void {
    this.released = true
  }

  run(rows: readonly Row[]): Outputs {
    this.#onForward(rows)
    const logitRows = rows.filter(({ yields }) => yields === 'logits')
    if (rows.length > this.maxRows || logitRows.length > this.maxLogitRows)
      throw new RangeError('too many rows')
    this.steps.push([rows.length, logitRows.length])
    this.#logits = []
    this.#hidden = []
    for (const row of rows) {
      const hidden = hiddenOf(this.#see(row))
      if (row.yields === 'logits') this.#logits.push(this.head(hidden))
      if (row.yields === 'hidden') this.#hidden.push(hidden)
    }
    return this
  }

  #slot(row: Row, position: number): number {
    const page = row.pages[Math.floor(position / PAGE_POSITIONS)]
    if (page === undefined)
      throw new RangeError(`position ${row.position} needs position ${position}, which is gone`)
    return (page * PAGE_POSITIONS + (position % PAGE_POSITIONS)) * SLOT_WORDS
  }

  #see(row: Row): number {
    const { sinkEnd, start, sinkQueryPosition } = visible(row.position, this.window)
    let hash = mix(mix(row.id, row.position), sinkQueryPosition)
    const own = this.#slot(row, row.position)
    this.#pool[own] = row.id
    this.#pool[own + 1] = row.position
    for (let p = sinkEnd > 0 ? 0 : start; p < row.position; p++) {
      if (p >= sinkEnd && p < start) continue
      const at = this.#slot(row, p)
      if (this.#pool[at + 1] !== p) throw new RangeError(`slot of ${p} holds position ${this.#pool[at + 1]}`)
      for (let word = 0; word < SLOT_WORDS; word++) hash = mix(hash, this.#pool[at + word])
    }
    this.#pool[own + 2] = hash
    return hash
  }

  /** The logits that a hidden state gives. */
  head([high, low]: Float32Array): Float32Array {
    const hash = high * 65536 + low
    return Float32Array.from({ length: this.spec.vocab }, (_, id) => mix(mix(hash, id), 77) / 2 ** 30)
  }

  logits(index: number): Float32Array {
    return this.#logits[index]
  }

  hidden(index: number): Float32Array {
    return this.#hidden[index]
  }
}

/**
 * The mock model answering later. Rows are run when `settle` is called, on pages as they are then, so whatever moved since the step was planned
 * shows; and until then every other call throws.
 */
export class LaterModel implements Model {
  readonly inner: MockModel
  readonly spec = MOCK_SPEC
  readonly window: WindowOptions
  readonly maxRows: number
  readonly maxLogitRows: number
  readonly pages: Pages
  readonly staging: PageStaging
  readonly signal: MockModel['signal']
  readonly linearMemoryBytes = 65536
  readonly #onRun: (model: LaterModel) => void
  #pending: { rows: readonly Row[]; answer: PromiseWithResolvers<Outputs> } | undefined

  /** `onRun` is called when a run has begun. */
  constructor(options: MockOptions = {}, onRun: (model: LaterModel) => void = () => undefined) {
    this.inner = new MockModel(options)
    this.#onRun = onRun
    const { window, maxRows, maxLogitRows, pages, staging, signal } = this.inner
    this.window = window
    this.maxRows = maxRows
    this.maxLogitRows = maxLogitRows
    this.signal = signal
    this.pages = {
      count: pages.count,
      pageBytes: pages.pageBytes,
      copy: this.#whenIdle(pages.copy),
      read: this.#whenIdle(pages.read),
      write: this.#whenIdle(pages.write),
    }
    this.staging = {
      pages: staging.pages,
      gather: this.#whenIdle(staging.gather),
      scatter: this.#whenIdle(staging.scatter),
    }
  }

  get isPending(): boolean {
    return this.#pending !== undefined
  }

  release(): void {
    this.inner.release()
  }

  run(rows: readonly Row[]): Promise<Outputs> {
    return this.#whenIdle(() => {
      const answer = Promise.withResolvers<Outputs>()
      this.#pending = { rows, answer }
      this.#onRun(this)
      return answer.promise
    })()
  }

  settle(): void {
    const pending = this.#take()
    pending.answer.resolve(this.inner.run(pending.rows))
  }

  reject(error: unknown): void {
    this.#take().answer.reject(error)
  }

  #take(): { rows: readonly Row[]; answer: PromiseWithResolvers<Outputs> } {
    const pending = this.#pending
    if (pending === undefined) throw new Error('no run is pending')
    this.#pending = undefined
    return pending
  }

  #whenIdle<A extends unknown[], R>(call: (...given: A) => R): (...given: A) => R {
    return (...given) => {
      if (this.isPending) throw new Error('a call of the model while a run is pending')
      return call(...given)
    }
  }
}

function pagesIn(pool: Uint32Array, count: number): Pages {
  const at = (page: number): Uint8Array => new Uint8Array(pool.buffer, page * PAGE_BYTES, PAGE_BYTES)
  return {
    count,
    pageBytes: PAGE_BYTES,
    copy: (to, from) => at(to).set(at(from)),
    read: (page) => at(page).slice(),
    write: (page, bytes) => at(page).set(bytes),
  }
}

function stagingOf(pool: Pages): PageStaging {
  return {
    pages: 4,
    gather(pages) {
      const bytes = new Uint8Array(pages.length * PAGE_BYTES)
      pages.forEach((page, i) => bytes.set(pool.read(page), i * PAGE_BYTES))
      return { bytes, checksum: checksumOf(bytes) }
    },
    scatter(bytes, checksum, pages) {
      if (bytes.length !== pages.length * PAGE_BYTES || checksumOf(bytes) !== checksum) return false
      for (const [i, page] of pages.entries())
        if (page !== undefined) pool.write(page, bytes.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES))
      return true
    },
  }
}

/** (hidden) f32, whose first two numbers hold the hash. */
function hiddenOf(hash: number): Float32Array {
  const hidden = new Float32Array(SIZES.hidden)
  hidden.set([hash >>> 16, hash & 0xffff])
  return hidden
}

function checksumOf(bytes: Uint8Array): string {
  const sum = checksum()
  sum.update(bytes)
  return sum.hex()
}

/** Runs ids alone on a model that holds everything: the truth that warm, mixed and windowed runs must equal. */
export function greedyAlone(prompt: readonly number[], count: number, window?: WindowOptions): number[] {
  const ids = [...prompt]
  runAlone(ids, window, (logits, position) => {
    if (position === ids.length && ids.length < prompt.length + count) ids.push(argmax(logits))
  })
  return ids.slice(prompt.length)
}

/** Of each id but the first, what the row before it yields when the ids are run alone. */
export function logitsAlone(ids: readonly number[], window?: WindowOptions): Float32Array[] {
  const rows: Float32Array[] = []
  runAlone(ids, window, (logits, position) => void (position < ids.length && rows.push(logits)))
  return rows
}

/** Runs ids one by one, those too that `onRow` adds; it gets each row's logits with the position that they are about. */
function runAlone(
  ids: readonly number[],
  window: WindowOptions | undefined,
  onRow: (logits: Float32Array, position: number) => void,
): void {
  const pages = Array.from({ length: 64 }, (_, index) => index)
  const model = new MockModel({ window, pageCount: 64, maxRows: 1 })
  for (let position = 0; position < ids.length; position++) {
    model.run([{ id: ids[position], position, pages, yields: 'logits' }])
    onRow(model.logits(0), position + 1)
  }
}

export function argmax(logits: Float32Array): number {
  return logits.reduce((best, value, id) => (value > logits[best] ? id : best), 0)
}
