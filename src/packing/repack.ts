// This file turns foreign blocks into our codes without another rounding. It knows Q4_0, Q4_1, Q4_K, Q5_0 and
// Q8_0.

import { fiveBits } from '../formats/blocks-32.ts'
import { minimumK, nibbleK, scaleK } from '../formats/blocks-k.ts'
import type { TensorType } from '../formats/dtype.ts'
import { f16ToF32, isF16Special } from '../formats/f16.ts'
import { IsletError } from '../lib/errors.ts'
import { BLOCK } from '../kernels/layout.ts'
import { type CodeKind, type Codes, emptyCodes } from './codes.ts'
import { finiteHalf } from './quantise.ts'

/** Fills the codes and constants of our block `block` from the bytes at `at`. */
type Repack = (bytes: Uint8Array, at: number, out: Codes, block: number) => void

type Repacker = { bytes: number; blocks: number; repack: Repack }

const REPACKERS: Readonly<Partial<Record<`${TensorType} ${CodeKind}`, Repacker>>> = {
  'Q4_0 q4': { bytes: 18, blocks: 1, repack: repackQ4_0 },
  'Q4_1 q4m': { bytes: 20, blocks: 1, repack: repackQ4_1 },
  'Q4_K q4m': { bytes: 144, blocks: 8, repack: repackQ4K },
  'Q4_0 q8': { bytes: 18, blocks: 1, repack: widenQ4_0 },
  'Q5_0 q5': { bytes: 22, blocks: 1, repack: repackQ5_0 },
  'Q5_0 q8': { bytes: 22, blocks: 1, repack: widenQ5_0 },
  'Q8_0 q8': { bytes: 34, blocks: 1, repack: repackQ8_0 },
}

/**
 * Rows of `type` as `kind` without rounding (Q4_K: each block's scale and minimum rounded to f16 once), or
 * undefined where there is no such way. `bytes` holds whole rows of `cols` values, a multiple of the type's
 * block.
 */
export function repackRows(
  type: TensorType,
  kind: CodeKind,
  bytes: Uint8Array,
  rows: number,
  cols: number,
): Codes | undefined {
  const repacker = REPACKERS[`${type} ${kind}`]
  if (repacker === undefined) return undefined
  const out = emptyCodes(kind, rows, cols)
  const blocks = rows * out.blocks
  for (let block = 0, at = 0; block < blocks; block += repacker.blocks, at += repacker.bytes) {
    repacker.repack(bytes, at, out, block)
  }
  return out
}

function repackQ4_0(bytes: Uint8Array, at: number, out: Codes, block: number): void {
  out.scales[block] = half(bytes, at)
  splitNibbles(bytes, at + 2, out.codes, block * BLOCK, 0)
}

function repackQ4_1(bytes: Uint8Array, at: number, out: Codes, block: number): void {
  out.scales[block] = half(bytes, at)
  out.minimums[block] = half(bytes, at + 2)
  splitNibbles(bytes, at + 4, out.codes, block * BLOCK, 0)
  withoutSign(out, block)
}

function repackQ5_0(bytes: Uint8Array, at: number, out: Codes, block: number): void {
  out.scales[block] = half(bytes, at)
  for (let j = 0; j < BLOCK; j++) out.codes[block * BLOCK + j] = fiveBits(bytes, at + 2, j)
}

function repackQ8_0(bytes: Uint8Array, at: number, out: Codes, block: number): void {
  out.scales[block] = half(bytes, at)
  for (let j = 0; j < BLOCK; j++) out.codes[block * BLOCK + j] = bytes[at + 2 + j] ^ 128
}

/** w = (q - 8) * d: the codes fit 8 bits with the same scale. */
function widenQ4_0(bytes: Uint8Array, at: number, out: Codes, block: number): void {
  out.scales[block] = half(bytes, at)
  splitNibbles(bytes, at + 2, out.codes, block * BLOCK, 120)
}

function widenQ5_0(bytes: Uint8Array, at: number, out: Codes, block: number): void {
  out.scales[block] = half(bytes, at)
  for (let j = 0; j < BLOCK; j++) out.codes[block * BLOCK + j] = fiveBits(bytes, at + 2, j) + 112
}

/** Eight of our blocks; the products of constants have 17 bits, so f16 rounds them: within 2^-11 each. */
function repackQ4K(bytes: Uint8Array, at: number, out: Codes, block: number): void {
  const d = f16ToF32(half(bytes, at))
  const dmin = f16ToF32(half(bytes, at + 2))
  for (let group = 0; group < 8; group++) {
    out.scales[block + group] = finiteHalf(d * scaleK(bytes, at + 4, group))
    out.minimums[block + group] = finiteHalf(-dmin * minimumK(bytes, at + 4, group))
    const to = (block + group) * BLOCK
    for (let j = 0; j < BLOCK; j++) out.codes[to + j] = nibbleK(bytes, at + 16, group, j)
    withoutSign(out, block + group)
  }
}

/**
 * Kernels take no negative scale beside a minimum: s q + m = -s (15 - q) + (m + 15 s), where the new minimum
 * is rounded once. No quantiser known to us makes such a block.
 */
function withoutSign(out: Codes, block: number): void {
  const scale = f16ToF32(out.scales[block])
  if ((out.scales[block] & 0x8000) === 0) return
  out.scales[block] &= 0x7fff
  if (scale === 0) return
  out.minimums[block] = finiteHalf(f16ToF32(out.minimums[block]) + 15 * scale)
  for (let j = 0; j < BLOCK; j++) out.codes[block * BLOCK + j] = 15 - out.codes[block * BLOCK + j]
}

/** 16 bytes: value j in the low nibble of byte j, value j + 16 in the high one. */
function splitNibbles(bytes: Uint8Array, at: number, codes: Uint8Array, to: number, add: number): void {
  for (let j = 0; j < 16; j++) {
    codes[to + j] = (bytes[at + j] & 15) + add
    codes[to + j + 16] = (bytes[at + j] >> 4) + add
  }
}

function half(bytes: Uint8Array, at: number): number {
  const bits = bytes[at] | (bytes[at + 1] << 8)
  if (isF16Special(bits))
    throw new IsletError('invalid_file', 'a block has a scale or minimum that is not finite')
  return bits
}
