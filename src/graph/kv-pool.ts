// The KV pool holds, layer by layer, the keys of all pages and then their values.
// So what a token attends to lies in runs that the hardware prefetches; a page is gathered where it leaves
// memory.

import type { PageRun, RowRoom } from './layered-run.ts'
import type { Pages } from './model.ts'

export type KvPoolPlan = {
  /** Where the pool begins. */
  at: number
  pageCount: number
  layers: number
  /** Bytes of one layer of a page: keys and values, half each. */
  layerBytes: number
}

export class KvPool implements Pages {
  readonly count: number
  readonly pageBytes: number
  /** From a page's keys to its values in the same layer. */
  readonly valuesOffset: number
  readonly #plan: KvPoolPlan
  readonly #bytes: Uint8Array

  constructor(plan: KvPoolPlan, memory: WebAssembly.Memory) {
    this.#plan = plan
    this.#bytes = new Uint8Array(memory.buffer)
    this.count = plan.pageCount
    this.pageBytes = plan.layerBytes * plan.layers
    this.valuesOffset = (plan.pageCount * plan.layerBytes) / 2
  }

  /** The address of a page's keys in a layer. */
  keysAt(layer: number, page: number): number {
    const { at, pageCount, layerBytes } = this.#plan
    return at + layer * pageCount * layerBytes + (page * layerBytes) / 2
  }

  copy(to: number, from: number): void {
    this.#eachPart((part, length) => this.#bytes.copyWithin(part(to), part(from), part(from) + length))
  }

  /** The page's bytes, copied: `pageBytes` of them, layer by layer keys and values. */
  read(page: number): Uint8Array {
    const out = new Uint8Array(this.pageBytes)
    let done = 0
    this.#eachPart((part, length) => {
      out.set(this.#bytes.subarray(part(page), part(page) + length), done)
      done += length
    })
    return out
  }

  /** Puts bytes that `read` gave into a page. */
  write(page: number, bytes: Uint8Array): void {
    if (bytes.length !== this.pageBytes)
      throw new RangeError(`${bytes.length} bytes for a page of ${this.pageBytes}`)
    let done = 0
    this.#eachPart((part, length) => {
      this.#bytes.set(bytes.subarray(done, done + length), part(page))
      done += length
    })
  }

  /** Copies a page's bytes, as `read` gives them, to the address `at` outside the pool. */
  gather(page: number, at: number): void {
    this.#eachPart((part, length) => {
      this.#bytes.copyWithin(at, part(page), part(page) + length)
      at += length
    })
  }

  /** Copies a page's bytes from the address `at` into it. */
  scatter(page: number, at: number): void {
    this.#eachPart((part, length) => {
      this.#bytes.copyWithin(part(page), at, at + length)
      at += length
    })
  }

  /** Rows of `rowBytes` bytes each in pages that hold nothing: as many as fit their keys and their values in each layer. */
  room({ first, count }: PageRun, rowBytes: number): RowRoom {
    const { layers, layerBytes } = this.#plan
    const each = Math.floor((count * layerBytes) / 2 / rowBytes)
    return {
      rows: 2 * layers * each,
      at: (row) => {
        const part = Math.floor(row / each)
        const keys = this.keysAt(part >>> 1, first)
        return keys + (part % 2) * this.valuesOffset + (row % each) * rowBytes
      },
    }
  }

  /** Calls `visit` for the keys and the values of each layer, with the way to their address in a page. */
  #eachPart(visit: (part: (page: number) => number, length: number) => void): void {
    const { layers, layerBytes } = this.#plan
    for (let layer = 0; layer < layers; layer++) {
      for (const offset of [0, this.valuesOffset])
        visit((page) => this.keysAt(layer, page) + offset, layerBytes / 2)
    }
  }
}
