// A term memo remembers terms and steps in slots that later ones take over: to remember makes no garbage.
//
// Terms of an answer live for a token. In a map that grows and is dropped they would live long enough to be moved to where V8 collects
// late: megabytes a second for eight answers. One memo serves all grammars: a slot's term is told from others by what it is made of.

import type { Term } from './term.ts'

/** Slots, a power of two; more are hardly used between two tokens. */
const SLOTS = 1024
const SHIFT = 32 - Math.log2(SLOTS)

type Slot = Term | undefined
type Slots = { made: Slot[]; from: Slot[]; to: Slot[]; bytes: Uint8Array }

/** Made when a grammar first needs it. */
let slots: Slots | undefined
let isClear = true

function use(): Slots {
  isClear = false
  return (slots ??= {
    made: new Array<Slot>(SLOTS).fill(undefined),
    from: new Array<Slot>(SLOTS).fill(undefined),
    to: new Array<Slot>(SLOTS).fill(undefined),
    bytes: new Uint8Array(SLOTS),
  })
}

/** Where a term that is made of these, numbers or ids of terms, is looked for. */
export function slotOf(a: number, b: number, c = 0): number {
  return Math.imul(Math.imul(Math.imul(a, 0x9e3779b1) ^ b, 0x85ebca6b) ^ c, 0xc2b2ae35) >>> SHIFT
}

/** Whatever was kept there last. */
export function madeAt(slot: number): Term | undefined {
  return use().made[slot]
}

export function keepMade<T extends Term>(slot: number, term: T): T {
  use().made[slot] = term
  return term
}

/** The step from `term` by `byte`, if it is remembered. */
export function knownStep(term: Term, byte: number): Term | undefined {
  const { from, bytes, to } = use()
  const slot = slotOf(term.id, byte)
  return from[slot] === term && bytes[slot] === byte ? to[slot] : undefined
}

export function keepStep(term: Term, byte: number, next: Term): void {
  const { from, bytes, to } = use()
  const slot = slotOf(term.id, byte)
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
  isClear = true
}
