// This file finds the names of special tokens in a text, and keeps user text from becoming one.

import type { Budget, Sliced } from '../lib/sliced.ts'
import type { TakePart } from './plain-encoder.ts'
import { WINDOW, WINDOW_UNITS } from './windows.ts'

/** `longest` name in UTF-16 units. */
export type NameMatcher = { pattern: RegExp; longest: number }

/**
 * A matcher for any of the names, leftmost and then longest; undefined if there are none. Names of one
 * character are left out: no guard could break them, and merging finds them anyway.
 */
export function nameMatcher(names: readonly string[]): NameMatcher | undefined {
  const usable = names.filter((name) => Array.from(name).length > 1)
  if (usable.length === 0) return undefined
  const longestFirst = usable.toSorted((a, b) => b.length - a.length)
  return {
    pattern: new RegExp(longestFirst.map(escapePattern).join('|'), 'gu'),
    longest: longestFirst[0].length,
  }
}

/** About what it costs to find a name, in units of a budget. */
const NAME_UNITS = 8

/** Cuts text at the names: calls `plain` and `name` in order. */
export function* splitAtNames(
  text: string,
  matcher: NameMatcher | undefined,
  plain: TakePart,
  name: TakePart,
  budget: Budget,
): Sliced<void> {
  let done = 0
  for (let at = 0; matcher !== undefined && at < text.length;) {
    // A name that begins in the window is seen as a whole.
    const window = text.slice(at, at + WINDOW + matcher.longest)
    for (const match of window.matchAll(matcher.pattern)) {
      if (match.index >= WINDOW) break
      const found = at + match.index
      const before = found > done ? plain(text.slice(done, found)) : undefined
      if (before !== undefined) yield* before
      const own = name(match[0])
      if (own !== undefined) yield* own
      done = found + match[0].length
      if (budget.spend(NAME_UNITS)) yield
    }
    at = Math.max(at + WINDOW, done)
    if (at < text.length && budget.spend(WINDOW_UNITS)) yield
  }
  const rest = done < text.length ? plain(text.slice(done)) : undefined
  if (rest !== undefined) yield* rest
}

/**
 * `inside` breaks whole names; `edges` also keeps a text from giving one part of a name whose rest is
 * elsewhere.
 */
export type GuardScope = 'inside' | 'edges'

/** A function that puts `guard` into a text so that no name arises from it in a rendered prompt. */
export function nameGuard(
  names: readonly string[],
  guard: string,
): (text: string, scope: GuardScope) => string {
  const usable = names.filter((name) => Array.from(name).length > 1)
  if (usable.length === 0) return (text) => text
  // The lookahead finds names that overlap; the guard goes behind the first character of each.
  const whole = new RegExp(`(?=${usable.map(escapePattern).join('|')}).`, 'gsu')
  // Some tens of thousands of strings where names are thousands: made with the first text that needs them.
  let parts: NameParts | undefined
  return (text, scope) => {
    const broken = text.replace(whole, (first) => first + guard)
    return scope === 'edges' ? guardEdges(broken, (parts ??= partsOf(usable)), guard) : broken
  }
}

/** Longer names are compared one by one: real ones stay far below, and parts take the square of a length. */
const LONGEST_IN_SETS = 64

/**
 * Proper beginnings and ends of names: some thousand names, as Gemma's, are too many to try at each message.
 */
type NameParts = { heads: Set<string>; tails: Set<string>; longest: number; long: readonly string[] }

function partsOf(names: readonly string[]): NameParts {
  const parts = { heads: new Set<string>(), tails: new Set<string>(), longest: 0 }
  for (const name of names) {
    if (name.length > LONGEST_IN_SETS) continue
    parts.longest = Math.max(parts.longest, name.length - 1)
    for (let length = name.length - 1; length > 0; length--) {
      parts.heads.add(name.slice(0, length))
      parts.tails.add(name.slice(-length))
    }
  }
  return { ...parts, long: names.filter((name) => name.length > LONGEST_IN_SETS) }
}

/**
 * A template may put the rest of a name beside the text, `<|im_end` + `|>`. Templates trim, so look past
 * spaces.
 */
function guardEdges(text: string, parts: NameParts, guard: string): string {
  const core = text.trim()
  if (core === '') return text
  const at = text.indexOf(core)
  let [tail, head] = [false, false]
  for (let length = Math.min(parts.longest, core.length); length > 0; length--) {
    tail ||= parts.heads.has(core.slice(-length))
    head ||= parts.tails.has(core.slice(0, length))
  }
  tail ||= parts.long.some((name) => hasPart(name, (length) => core.endsWith(name.slice(0, length))))
  head ||= parts.long.some((name) => hasPart(name, (length) => core.startsWith(name.slice(-length))))
  const safe = (head ? guard : '') + core + (tail ? guard : '')
  return text.slice(0, at) + safe + text.slice(at + core.length)
}

/** Tries every length of a proper part of the name. */
function hasPart(name: string, fits: (length: number) => boolean): boolean {
  for (let length = name.length - 1; length > 0; length--) if (fits(length)) return true
  return false
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
}
