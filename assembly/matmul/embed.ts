// These kernels read one embedding row out of a tiled matrix, as f32 (cols). Byte order of a tile:
// src/kernels/layout.ts.

import { BLOCK, Q4_TILE, Q4M_TILE, Q4N_TILE, Q5_TILE, Q6_TILE, Q8_TILE, ROW_UNITS, ROW_UNITS_BF16, SPAN, spans_of, TILE_ROWS } from '../layout'
import { QUADS } from '../simd/dot'
import { f16_at } from '../simd/f16'

export function embed_q4(out: usize, w: usize, row: i32, cols: i32): void {
  const r = row % TILE_ROWS
  let tile = span_group(w, row, cols, Q4_TILE, ROW_UNITS)
  const unit = unit_at(tile + spans_of(cols) * Q4_TILE, r)
  for (let col = 0; col < cols; col++) {
    const block: usize = (col & BLOCK) >> 5
    const scale = <i32>load<i16>(tile + 512 + (<usize>r << 2) + (block << 1))
    store<f32>(out, <f32>(scale * (span_nibble(tile, r, col) - 8)) * unit)
    out += 4
    if (col % SPAN == SPAN - 1) tile += Q4_TILE
  }
}

export function embed_q4m(out: usize, w: usize, row: i32, cols: i32): void {
  const r = row % TILE_ROWS
  let tile = span_group(w, row, cols, Q4M_TILE, ROW_UNITS)
  const unit = unit_at(tile + spans_of(cols) * Q4M_TILE, r)
  for (let col = 0; col < cols; col++) {
    const block: usize = (col & BLOCK) >> 5
    const constants = tile + 512 + (<usize>(r >> 2) << 5) + (<usize>(r & 3) << 2) + (block << 1)
    const scale = <i32>load<i16>(constants)
    const minimum = <i32>load<i16>(constants + 16)
    store<f32>(out, <f32>(scale * (span_nibble(tile, r, col) - 8) + 8 * minimum) * unit)
    out += 4
    if (col % SPAN == SPAN - 1) tile += Q4M_TILE
  }
}

export function embed_q4n(out: usize, w: usize, row: i32, cols: i32): void {
  const r = row % TILE_ROWS
  let tile = span_group(w, row, cols, Q4N_TILE, ROW_UNITS_BF16)
  const unit = unit_bf16_at(tile + spans_of(cols) * Q4N_TILE, r)
  for (let col = 0; col < cols; col++) {
    const constants = tile + 512 + (<usize>r << 1) + (<usize>(col & BLOCK) >> 5)
    const scale = <i32>load<u8>(constants) << 1
    const minimum = <i32>load<i8>(constants + 32) << 3
    store<f32>(out, <f32>(scale * (span_nibble(tile, r, col) - 8) + minimum) * unit)
    out += 4
    if (col % SPAN == SPAN - 1) tile += Q4N_TILE
  }
}

export function embed_q5(out: usize, w: usize, row: i32, cols: i32): void {
  const r = row % TILE_ROWS
  let tile = row_group(w, row, cols, Q5_TILE, 0)
  for (let col = 0; col < cols; col += BLOCK) {
    const scale = f16_at(tile + 320 + halves_at(r))
    for (let c = 0; c < BLOCK && col + c < cols; c++) {
      const level = nibble(tile, r, c) + 16 * fifth(tile + 256, r, c) - 16
      store<f32>(out, scale * <f32>level)
      out += 4
    }
    tile += Q5_TILE
  }
}

export function embed_q6(out: usize, w: usize, row: i32, cols: i32): void {
  const r = row % TILE_ROWS
  let tile = row_group(w, row, cols, Q6_TILE, ROW_UNITS_BF16)
  const unit = unit_bf16_at(tile + blocks_of(cols) * Q6_TILE, r)
  for (let col = 0; col < cols; col += BLOCK) {
    const scale = <i32>load<u8>(tile + 384 + (<usize>r << 1))
    const minimum = <i32>load<i8>(tile + 385 + (<usize>r << 1)) << 5
    for (let c = 0; c < BLOCK && col + c < cols; c++) {
      const level = nibble(tile, r, c) + 16 * pair(tile + 256, r, c)
      store<f32>(out, <f32>(scale * (level - 32) + minimum) * unit)
      out += 4
    }
    tile += Q6_TILE
  }
}

export function embed_q8(out: usize, w: usize, row: i32, cols: i32): void {
  const r = row % TILE_ROWS
  let tile = row_group(w, row, cols, Q8_TILE, 0)
  for (let col = 0; col < cols; col += BLOCK) {
    const scale = f16_at(tile + 512 + halves_at(r))
    for (let c = 0; c < BLOCK && col + c < cols; c++) {
      store<f32>(out, scale * <f32>code(tile, r, c))
      out += 4
    }
    tile += Q8_TILE
  }
}

// @ts-ignore: decorator
@inline
function span_group(w: usize, row: i32, cols: i32, tile: usize, units: usize): usize {
  return w + <usize>(row / TILE_ROWS) * (spans_of(cols) * tile + units)
}

// @ts-ignore: decorator
@inline
function unit_at(units: usize, r: i32): f32 {
  return reinterpret<f32>(<i32>load<u8>(units + <usize>r) << 23)
}

// @ts-ignore: decorator
@inline
function unit_bf16_at(units: usize, r: i32): f32 {
  return reinterpret<f32>(<i32>load<u16>(units + (<usize>r << 1)) << 16)
}

// The code of row r at a column of a tile of q4, q4m or q4n.
// @ts-ignore: decorator
@inline
function span_nibble(tile: usize, r: i32, col: i32): i32 {
  const c = col % BLOCK
  // Four columns of two rows, as packed; in words (words.ts) two columns of four.
  const at = QUADS
    ? ((r >> 1) << 4) + ((r & 1) << 3) + ((col & BLOCK) >> 3) + (c & 3)
    : ((r >> 2) << 5) + ((c & 2) << 3) + ((r & 3) << 2) + ((col & BLOCK) >> 4) + (c & 1)
  const byte = <i32>load<u8>(tile + <usize>(((c >> 3) << 7) + at))
  return c & 4 ? byte >> 4 : byte & 15
}

// @ts-ignore: decorator
@inline
function row_group(w: usize, row: i32, cols: i32, tile: usize, units: usize): usize {
  return w + <usize>(row / TILE_ROWS) * (blocks_of(cols) * tile + units)
}

// @ts-ignore: decorator
@inline
function blocks_of(cols: i32): usize {
  return (cols + BLOCK - 1) / BLOCK
}

// Where row r's f16 lies among sixteen of one kind: rows 8j + i and 8j + 4 + i share 32 bits.
// @ts-ignore: decorator
@inline
function halves_at(r: i32): usize {
  return <usize>((r >> 3) * 16 + ((r & 3) << 2) + ((r >> 2) & 1) * 2)
}

// @ts-ignore: decorator
@inline
function nibble(nibbles: usize, r: i32, c: i32): i32 {
  const byte = <i32>load<u8>(nibbles + <usize>((((c >> 3) << 2) + (r >> 2)) * 16 + ((r & 3) << 2) + (c & 3)))
  return c & 4 ? byte >> 4 : byte & 15
}

// @ts-ignore: decorator
@inline
function code(codes: usize, r: i32, c: i32): i32 {
  return <i32>load<u8>(codes + <usize>((((c >> 2) << 2) + (r >> 2)) * 16 + ((r & 3) << 2) + (c & 3))) - 128
}

// Bit 4 of a 5-bit code.
// @ts-ignore: decorator
@inline
function fifth(bits: usize, r: i32, c: i32): i32 {
  const byte = <i32>load<u8>(bits + <usize>((c >> 3) * 16 + ((r & 3) << 2) + (c & 3)))
  return (byte >> (2 * (r >> 2) + ((c & 4) >> 2))) & 1
}

// Bits 4 and 5 of a 6-bit code.
// @ts-ignore: decorator
@inline
function pair(pairs: usize, r: i32, c: i32): i32 {
  const byte = <i32>load<u8>(pairs + <usize>((((c >> 3) << 1) + (r >> 3)) * 16 + ((r & 3) << 2) + (c & 3)))
  return (byte >> (((r >> 2) & 1) * 4 + (c & 4) / 2)) & 3
}
