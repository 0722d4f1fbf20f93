// This file writes float32 matrices as .npy files (NumPy format 1.0), row by row. So a long run never sits in
// memory.

import { closeSync, openSync, writeSync } from 'node:fs'

/** Bytes before the data: magic, version, and a header padded so that data begins at a multiple of 64. */
const HEADER_BYTES = 128

export class NpyWriter {
  readonly #file: number
  readonly #columns: number
  #rows = 0

  /** Creates `path`; rows of `columns` float32 follow. */
  constructor(path: string, columns: number) {
    this.#file = openSync(path, 'w')
    this.#columns = columns
    writeSync(this.#file, this.#header())
  }

  row(values: Float32Array): void {
    if (values.length !== this.#columns)
      throw new RangeError(`a row of ${values.length}, not ${this.#columns}`)
    writeSync(this.#file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    this.#rows++
  }

  /** Writes the final row count and closes. */
  close(): void {
    writeSync(this.#file, this.#header(), 0, HEADER_BYTES, 0)
    closeSync(this.#file)
  }

  #header(): Buffer {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${this.#rows}, ${this.#columns}), }`
    const header = Buffer.alloc(HEADER_BYTES, ' ')
    header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0])
    header.writeUInt16LE(HEADER_BYTES - 10, 8)
    header.write(text, 10, 'latin1')
    header[HEADER_BYTES - 1] = 10
    return header
  }
}
