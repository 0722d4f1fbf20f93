// Every tensor type against the `gguf` package's own dequantisation (scripts/make-quant-fixtures.py), bit for bit.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BLOCKS, type TensorType } from '../../src/formats/dtype.ts'
import { dequantize } from '../../src/formats/blocks.ts'
import { quantFixture } from '../helpers/quant-fixture.ts'

describe('dequantize', () => {
  for (const type of Object.keys(BLOCKS) as TensorType[]) {
    it(`${type} equals the reference exactly`, () => {
      const { bytes, values } = quantFixture(type)
      const out = new Float32Array(values.length)
      dequantize(type, bytes, out)
      expect(Buffer.compare(Buffer.from(out.buffer), Buffer.from(values.slice().buffer))).toBe(0)
      expect(new Set(out).size).toBeGreaterThan(100)
    })
  }

  it('refuses a number of bytes that is no whole number of blocks', () => {
    expect(() => dequantize('Q4_0', new Uint8Array(17), new Float32Array(32))).toThrow(/blocks of 32/)
    expect(() => dequantize('Q6_K', new Uint8Array(210), new Float32Array(32))).toThrow(/blocks of 256/)
  })

  it('has a fixture for every type, small enough to commit', () => {
    for (const type of Object.keys(BLOCKS)) {
      const file = new URL(`../fixtures/quant/${type}.bin`, import.meta.url)
      expect(readFileSync(file).length).toBeLessThan(20_000)
    }
  })
})
