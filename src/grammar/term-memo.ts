// A term memo remembers terms and steps in slots that later ones take over: to remember makes no garbage.
//
// Terms of an answer live for a token. In a map that grows and is dropped they would live long enough to be moved to where V8 collects
// late: megabytes a second for eight answers. One memo serves all grammars: a slot's term is told from others by what it is made of.
// Equal terms must be one, or the options of an ambiguous grammar would multiply with each byte.

import type { Term } from './term.ts'

/** Slots of steps, a power of two; more are hardly used between two tokens. */
const STEPS = 1024
const STEP_SHIFT = 32 - Math.log2(STEPS)
/** Slots of terms, and how many are filled before all are dropped: no equal term is made twice meanwhile. */
const SLOTS = 4096
const SHIFT = 32 - Math.log2(SLOTS)
const MOST = SLOTS / 2

type Slot = Term | undefined
type Slots = { made: Slot[]; from: Slot[]; to: Slot[]; bytes: Uint8Array }

/** Made when a grammar first needs it. */
let slots: Slots | undefined
let isClear = true
let filled = 0

function use(): Slots {
  isClear = false
  return (slots ??= {
    made: new Array<Slot>(SLOTS).fill(undefined),
    from: new Array<Slot>(STEPS).fill(undefined),
    to: new Array<Slot>(STEPS).fill(undefined),
    bytes: new Uint8Array(STEPS),
  })
}

function hashOf(a: number, b: number, c: number): number {
  return Math.imul(Math.imul(Math.imul(a, 0x9e3779b1) ^ b, 0x85ebca6b) ^ c, 0xc2b2ae35)
}

/** Where a term that is made of these, numbers or ids of terms, is looked for first. */
export function slotOf(a: number, b: number, c = 0): number {
  return hashOf(a, b, c) >>> SHIFT
}

/** Where it is looked for next, if another is there. */
export function slotAfter(slot: number): number {
  return (slot + 1) & (SLOTS - 1)
}

/** What is kept there; undefined ends the search. */
export function madeAt(slot: number): Term | undefined {
  return use().made[slot]
}

/** Keeps a term where the search for it has ended. */
export function keepMade<T extends Term>(slot: number, term: T): T {
  if (filled >= MOST) forgetTerms()
  filled++
  use().made[slot] = term
  return term
}

/** The step from `term` by `byte`, if it is remembered. */
export function knownStep(term: Term, byte: number): Term | undefined {
  const { from, bytes, to } = use()
  const slot = hashOf(term.id, byte, 0) >>> STEP_SHIFT
  return from[slot] === term && bytes[slot] === byte ? to[slot] : undefined
}

export function keepStep(term: Term, byte: number, next: Term): void {
  const { from, bytes, to } = use()
  const slot = hashOf(term.id, byte, 0) >>> STEP_SHIFT
  // A kill may come between any two of these: until the last nothing is there.
  from[slot] = undefined
  bytes[slot] = byte
  to[slot] = next
  from[slot] = term
}

/** Lets go of all terms, so that none outlives its token or its grammar by being remembered. */
export function forgetTerms(): void {
  if (slots === undefined || isClear) return
  slots.made.fill(undefined)
  slots.from.fill(undefined)
  slots.to.fill(undefined)
  filled = 0
  isClear = true
}
