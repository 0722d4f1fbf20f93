// A piece is merged at once where it is short, in slices where it is long: both BPE kinds encode theirs here.

import type { Budget, Sliced } from '../lib/sliced.ts'
import { Merger, type PairRules } from './merge.ts'
import { utf8Into } from './utf8.ts'
import { utf8InWindows } from './windows.ts'

/** How a kind of BPE makes symbols of bytes, and ids of symbols. */
export type SymbolKind = {
  rules(text: () => Uint8Array): PairRules
  /**
   * Appends the symbols that begin at bytes[start, end) of a text of `length` bytes; returns where the last of
   * them ends.
   */
  read(merger: Merger, start: number, end: number, length: number): number
  /** Appends the ids of the symbol at `at`. */
  write(merger: Merger, at: number, out: number[]): void
  /** The id of all of the text, where it is a token that needs no merges; else -1. */
  whole?(bytes: Uint8Array, length: number): number
}

/** Appends ids for bytes that no token covers. */
export type WriteUnknown = (out: number[], bytes: Uint8Array, start: number, end: number) => void

/** UTF-16 units. What is longer has memory of its own: other texts may be encoded between its slices. */
const LONG_PIECE = 1 << 11
/** Symbols that are read or written between two looks at the budget. */
const STRIDE = 1 << 11

/** Appends the ids of a piece: at once, or as work that is still to be run. */
export type PieceEncoder = (piece: string, out: number[], budget: Budget) => Sliced<void> | undefined

export function pieceEncoder(kind: SymbolKind): PieceEncoder {
  const merger = new Merger((text) => kind.rules(text))
  return (piece, out, budget) => {
    if (piece.length > LONG_PIECE) return encodeLong(kind, piece, out, budget)
    const length = utf8Into(piece, merger)
    const whole = kind.whole?.(merger.bytes, length) ?? -1
    if (whole >= 0) {
      out.push(whole)
      return undefined
    }
    merger.reserve(length)
    kind.read(merger, 0, length, length)
    merger.starts[merger.count] = length
    merger.advance(Infinity)
    for (let i = 0; i < merger.count; i = merger.next[i]) kind.write(merger, i, out)
    return undefined
  }
}

function* encodeLong(kind: SymbolKind, piece: string, out: number[], budget: Budget): Sliced<void> {
  const merger = new Merger((text) => kind.rules(text))
  const length = yield* utf8InWindows(piece, merger, budget)
  const whole = kind.whole?.(merger.bytes, length) ?? -1
  if (whole >= 0) {
    out.push(whole)
    return
  }
  merger.reserve(length)
  for (let at = 0; at < length;) {
    at = kind.read(merger, at, Math.min(at + STRIDE, length), length)
    if (budget.spend(STRIDE)) yield
  }
  merger.starts[merger.count] = length
  for (let units = budget.left; !merger.advance(units); units = budget.left) if (budget.spend(units)) yield
  for (let i = 0, written = 1; i < merger.count; i = merger.next[i], written++) {
    kind.write(merger, i, out)
    if (written % STRIDE === 0 && budget.spend(STRIDE)) yield
  }
}
