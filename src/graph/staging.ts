// Staging puts KV pages on their way to storage side by side, where a kernel takes their checksum.

import type { Kernels } from '../kernels/kernels.ts'
import { ROW_BYTES } from '../lib/limits.ts'
import { PlacedChecksum } from '../weights/placed-checksum.ts'
import type { KvPool } from './kv-pool.ts'
import type { PageStaging } from './model.ts'

/**
 * How many pages go at once: what fits into scratch of `free` bytes that is there anyway, at least one; none
 * that no row takes, nor empty ones.
 */
export function stagedPages(pageBytes: number, free: number): number {
  return pageBytes === 0 || pageBytes > ROW_BYTES
    ? 0
    : Math.max(1, Math.floor(Math.min(free, ROW_BYTES) / pageBytes))
}

export type StagingPlan = {
  /** Where the pages come to lie, and how many. */
  at: number
  pages: number
  /** CHECKSUM_SCRATCH bytes. */
  checksum: number
}

export class Staging implements PageStaging {
  readonly #pool: KvPool
  readonly #plan: StagingPlan
  readonly #kernels: Pick<Kernels, 'absorb_blocks'>
  readonly #memory: WebAssembly.Memory

  constructor(
    pool: KvPool,
    plan: StagingPlan,
    kernels: Pick<Kernels, 'absorb_blocks'>,
    memory: WebAssembly.Memory,
  ) {
    this.#pool = pool
    this.#plan = plan
    this.#kernels = kernels
    this.#memory = memory
  }

  get pages(): number {
    return this.#plan.pages
  }

  /** See PageStaging. */
  gather(pages: readonly number[]): { bytes: Uint8Array; checksum: string } {
    const bytes = this.#view(pages.length)
    const { pageBytes } = this.#pool
    pages.forEach((page, i) => this.#pool.gather(page, this.#plan.at + i * pageBytes))
    return { bytes, checksum: this.#checksum(bytes.length) }
  }

  /** See PageStaging. */
  scatter(bytes: Uint8Array, checksum: string, pages: readonly (number | undefined)[]): boolean {
    const { pageBytes } = this.#pool
    if (bytes.length !== pages.length * pageBytes || pages.length > this.#plan.pages) return false
    this.#view(pages.length).set(bytes)
    if (this.#checksum(bytes.length) !== checksum) return false
    pages.forEach((page, i) => {
      if (page !== undefined) this.#pool.scatter(page, this.#plan.at + i * pageBytes)
    })
    return true
  }

  #view(pages: number): Uint8Array {
    if (pages > this.#plan.pages)
      throw new RangeError(`${pages} pages at once, and there is room for ${this.#plan.pages}`)
    return new Uint8Array(this.#memory.buffer, this.#plan.at, pages * this.#pool.pageBytes)
  }

  #checksum(length: number): string {
    const { at, checksum } = this.#plan
    const placed = new PlacedChecksum(this.#kernels, this.#memory, checksum, at)
    placed.reach(at + length)
    return placed.hex(at + length)
  }
}
