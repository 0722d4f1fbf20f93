// Reads test/fixtures/quant/TYPE.bin (the layout is in scripts/make-quant-fixtures.py).

import { readFileSync } from 'node:fs'
import type { TensorType } from '../../src/formats/dtype.ts'

/** Block bytes of the fixture and the float32 values they stand for: (4, 512). */
export function quantFixture(type: TensorType): { bytes: Uint8Array; values: Float32Array } {
  const file = readFileSync(new URL(`../fixtures/quant/${type}.bin`, import.meta.url))
  const count = file.readUInt32LE(0)
  const length = file.readUInt32LE(4)
  const bytes = new Uint8Array(file.subarray(8, 8 + length))
  const values = new Float32Array(new Uint8Array(file.subarray(8 + length, 8 + length + 4 * count)).buffer)
  return { bytes, values }
}
