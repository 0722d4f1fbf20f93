// A model that is only bookkeeping: its logits are a hash of all that each position saw, so a wrong page, position,
// order or visibility anywhere in a sequence's past changes what comes next.

import { visible, type WindowOptions } from '../../src/cache/window.ts'
import type { Model, Row } from '../../src/graph/model.ts'
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
  /** Called before each forward: throw here to break the engine. */
  onForward?: (rows: readonly Row[]) => void
}

const SLOT_WORDS = 3 // id, position, hash of all that the position saw

function mix(hash: number, value: number): number {
  const x = Math.imul(hash ^ value, 0x9e3779b1)
  return (x ^ (x >>> 15)) >>> 0
}

export class MockModel implements Model {
  readonly spec = MOCK_SPEC
  readonly window: WindowOptions
  readonly maxRows: number
  readonly maxLogitRows: number
  readonly pageCount: number
  readonly pageBytes = PAGE_POSITIONS * SLOT_WORDS * 4
  readonly gatherPages = 4
  /** What each forward ran, as [rows, rows with logits]. */
  readonly steps: [number, number][] = []
  readonly linearMemoryBytes = 65536
  /** What the host would have written: set it. */
  signal = 0
  released = false
  readonly #onForward: (rows: readonly Row[]) => void
  readonly #pool: Uint32Array
  #logits: Float32Array[] = []

  constructor(options: MockOptions = {}) {
    this.window = options.window ?? { window: undefined, sinks: 0 }
    this.maxRows = options.maxRows ?? 16
    this.maxLogitRows = options.maxLogitRows ?? 4
    this.pageCount = options.pageCount ?? 64
    this.#onForward = options.onForward ?? (() => undefined)
    this.#pool = new Uint32Array((this.pageCount * this.pageBytes) / 4).fill(0xdeadbeef)
  }

  get rowsRun(): number {
    return this.steps.reduce((sum, [rows]) => sum + rows, 0)
  }

  clearSignal(): void {
    this.signal = 0
  }

  release(): void {
    this.released = true
  }

  forward(rows: readonly Row[]): void {
    this.#onForward(rows)
    const logitRows = rows.filter(({ logits }) => logits)
    if (rows.length > this.maxRows || logitRows.length > this.maxLogitRows)
      throw new RangeError('too many rows')
    this.steps.push([rows.length, logitRows.length])
    this.#logits = []
    for (const row of rows) {
      const hash = this.#see(row)
      if (row.logits) this.#logits.push(this.#logitsOf(hash))
    }
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

  #logitsOf(hash: number): Float32Array {
    return Float32Array.from({ length: this.spec.vocab }, (_, id) => mix(mix(hash, id), 77) / 2 ** 30)
  }

  logits(index: number): Float32Array {
    return this.#logits[index]
  }

  copyPage(to: number, from: number): void {
    this.writePage(to, this.readPage(from))
  }

  readPage(page: number): Uint8Array {
    return new Uint8Array(this.#pool.buffer, page * this.pageBytes, this.pageBytes).slice()
  }

  writePage(page: number, bytes: Uint8Array): void {
    new Uint8Array(this.#pool.buffer, page * this.pageBytes, this.pageBytes).set(bytes)
  }

  gather(pages: readonly number[]): { bytes: Uint8Array; checksum: string } {
    const bytes = new Uint8Array(pages.length * this.pageBytes)
    pages.forEach((page, i) => bytes.set(this.readPage(page), i * this.pageBytes))
    return { bytes, checksum: checksumOf(bytes) }
  }

  scatter(bytes: Uint8Array, checksum: string, pages: readonly (number | undefined)[]): boolean {
    if (bytes.length !== pages.length * this.pageBytes || checksumOf(bytes) !== checksum) return false
    for (const [i, page] of pages.entries())
      if (page !== undefined)
        this.writePage(page, bytes.subarray(i * this.pageBytes, (i + 1) * this.pageBytes))
    return true
  }
}

function checksumOf(bytes: Uint8Array): string {
  const sum = checksum()
  sum.update(bytes)
  return sum.hex()
}

/** Runs ids alone on a model that holds everything: the truth that warm, mixed and windowed runs must equal. */
export function greedyAlone(prompt: readonly number[], count: number, window?: WindowOptions): number[] {
  const pages = Array.from({ length: 64 }, (_, index) => index)
  const model = new MockModel({ window, pageCount: 64, maxRows: 1 })
  const ids = [...prompt]
  for (let position = 0; ids.length < prompt.length + count; position++) {
    const logits = position === ids.length - 1
    model.forward([{ id: ids[position], position, pages, logits }])
    if (logits) ids.push(argmax(model.logits(0)))
  }
  return ids.slice(prompt.length)
}

export function argmax(logits: Float32Array): number {
  return logits.reduce((best, value, id) => (value > logits[best] ? id : best), 0)
}
