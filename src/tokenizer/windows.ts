// Windows of a long text keep what runs over all of it (searches, replacements, UTF-8) within a slice each.

import type { Budget, Sliced } from '../lib/sliced.ts'
import { utf8Into } from './utf8.ts'

/** UTF-16 units. A text within one window is read as a whole. */
export const WINDOW = 1 << 13

/** What it costs to go over a window once. */
export const WINDOW_UNITS = WINDOW / 8

/** The first place at or behind `at` that is not inside a character. */
export function characterBorder(text: string, at: number): number {
  if (at >= text.length) return text.length
  const isInside = (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
  return isInside ? at + 1 : at
}

/** The text with each `mark`, one character, replaced. */
export function* replaced(text: string, mark: string, by: string, budget: Budget): Sliced<string> {
  if (text.length <= WINDOW) return text.replaceAll(mark, by)
  let out = ''
  for (let at = 0; at < text.length; at += WINDOW) {
    out += text.slice(at, at + WINDOW).replaceAll(mark, by)
    if (budget.spend(WINDOW_UNITS)) yield
  }
  return out
}

/** Writes a text as UTF-8 into scratch.bytes, grown as needed; returns the length in bytes. */
export function* utf8InWindows(text: string, scratch: { bytes: Uint8Array }, budget: Budget): Sliced<number> {
  if (text.length <= WINDOW) return utf8Into(text, scratch)
  if (scratch.bytes.length < text.length * 3) scratch.bytes = new Uint8Array(text.length * 3)
  let length = 0
  for (let at = 0; at < text.length;) {
    const end = characterBorder(text, at + WINDOW)
    length += utf8Into(text.slice(at, end), { bytes: scratch.bytes.subarray(length) })
    at = end
    if (budget.spend(WINDOW_UNITS)) yield
  }
  return length
}
