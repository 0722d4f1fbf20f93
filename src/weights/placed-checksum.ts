// A kernel takes a shard's checksum in linear memory, while the cache still holds the bytes.

import type { Kernels } from '../kernels/kernels.ts'
import { CHECKSUM_BLOCK, CHECKSUM_WORDS, finishChecksum, startChecksum } from '../lib/checksum.ts'

/**
 * Bytes of linear memory that a PlacedChecksum needs for itself: its state, and a last block filled up with
 * zeros.
 */
export const CHECKSUM_SCRATCH = 4 * CHECKSUM_WORDS + CHECKSUM_BLOCK

export class PlacedChecksum {
  readonly #kernels: Pick<Kernels, 'absorb_blocks'>
  readonly #bytes: Uint8Array
  readonly #state: Uint32Array
  readonly #start: number
  readonly #lastBlock: number
  #absorbed: number

  /**
   * Of the bytes from `start` on; CHECKSUM_SCRATCH bytes at `scratch`, a multiple of 4, are its own until
   * `hex`.
   */
  constructor(
    kernels: Pick<Kernels, 'absorb_blocks'>,
    memory: WebAssembly.Memory,
    scratch: number,
    start: number,
  ) {
    this.#kernels = kernels
    this.#bytes = new Uint8Array(memory.buffer)
    this.#state = new Uint32Array(memory.buffer, scratch, CHECKSUM_WORDS)
    this.#lastBlock = scratch + 4 * CHECKSUM_WORDS
    this.#start = start
    this.#absorbed = start
    startChecksum(this.#state)
  }

  /** All bytes before `end` are in place. */
  reach(end: number): void {
    const blocks = Math.floor((end - this.#absorbed) / CHECKSUM_BLOCK)
    this.#kernels.absorb_blocks(this.#state.byteOffset, this.#absorbed, blocks)
    this.#absorbed += blocks * CHECKSUM_BLOCK
  }

  /** The checksum of all bytes before `end`, which were reached; may be called once. */
  hex(end: number): string {
    if (end > this.#absorbed) {
      this.#bytes.fill(0, this.#lastBlock, this.#lastBlock + CHECKSUM_BLOCK)
      this.#bytes.copyWithin(this.#lastBlock, this.#absorbed, end)
      this.#kernels.absorb_blocks(this.#state.byteOffset, this.#lastBlock, 1)
    }
    return finishChecksum(this.#state, end - this.#start)
  }
}
