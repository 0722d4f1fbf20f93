// Identity in tests: the running SHA-256 of float32 rows of logits, and which row is the first to differ.

import { expect } from 'vitest'
import { sha256 } from '../../src/lib/sha256.ts'

/** `hash`: of all rows, as the CLI and the API report it. `rows`: of each row alone, to name the first that differs. */
export type Trace = { hash: string; rows: string[] }

export type OnRow = (logits: Float32Array) => void

/** Traces the rows that `run` gives away. NaN and infinities are refused: rows of them would be equal for nothing. */
export function traceOf(run: (onRow: OnRow) => void): Trace {
  const tracer = new Tracer()
  run((logits) => tracer.add(logits))
  return tracer.end()
}

/** A trace under way. */
export class Tracer {
  readonly #all = sha256()
  readonly #rows: string[] = []

  add(logits: Float32Array): void {
    let sum = 0
    for (let id = 0; id < logits.length; id++) sum += Math.abs(logits[id])
    if (!Number.isFinite(sum) || sum === 0)
      throw new Error(`row ${this.#rows.length} of logits sums to ${sum}`)
    const bytes = new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength)
    this.#all.update(bytes)
    const row = sha256()
    row.update(bytes)
    this.#rows.push(row.hex())
  }

  /** Once. */
  end(): Trace {
    return { hash: this.#all.hex(), rows: this.#rows }
  }
}

/** Every row has the same bits. */
export function expectSameBits(got: Trace, wanted: Trace, what: string): void {
  const firstDifference = wanted.rows.findIndex((row, i) => got.rows[i] !== row)
  expect({ rows: got.rows.length, firstDifference }, what).toEqual({
    rows: wanted.rows.length,
    firstDifference: -1,
  })
  expect(got.hash, what).toBe(wanted.hash)
}
