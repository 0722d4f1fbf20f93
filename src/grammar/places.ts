// Places are where beginnings of tokens lead from one term: each is derived once, whoever shares it.

import { NEVER, type Term } from './term.ts'

/** Places of a table that is kept for the next pass; a whole string's are more, and such a table is dropped. */
const KEPT = 64
const MOST = 32_767
const NOWHERE = -1
/** Where all begin. */
export const ROOT_PLACE = 1

const SLOTS = 1024

/** One table for all passes: one of a pass each would be megabytes of garbage. `next`: 0 where nobody looked. */
type Table = {
  owner: Places | undefined
  terms: Term[]
  next: Int16Array
  closes: Int8Array
  slots: Int16Array
}
let shared: Table | undefined

export class Places {
  readonly #root: Term

  constructor(root: Term) {
    this.#root = root
  }

  /** Another pass may have taken the table meanwhile: then this one begins anew. */
  #table(): Table {
    if (shared?.owner === this) return shared
    const table = (shared ??= {
      owner: undefined,
      terms: [],
      next: new Int16Array(0),
      closes: new Int8Array(0),
      slots: new Int16Array(SLOTS),
    })
    table.owner = undefined
    this.#clear(table)
    table.owner = this
    return table
  }

  #clear(table: Table): void {
    if (table.closes.length === KEPT) {
      table.next.fill(0)
      table.closes.fill(0)
    } else {
      table.next = new Int16Array(KEPT * 256)
      table.closes = new Int8Array(KEPT)
    }
    table.slots.fill(0)
    // The first is none.
    table.terms = [this.#root]
    add(table, this.#root)
  }

  /** The place behind `byte`; below 0 where it may not come. Of the numbers that it gave, the last one holds. */
  next(place: number, byte: number): number {
    const table = this.#table()
    const known = table.next[place * 256 + byte]
    if (known !== 0) return known
    const term = table.terms[place]
    const to = term.terms.step(term, byte)
    if (to.shortest === NEVER) return (table.next[place * 256 + byte] = NOWHERE)
    if (table.terms.length > MOST) {
      this.#clear(table)
      return add(table, to)
    }
    const number = add(table, to)
    table.next[place * 256 + byte] = number
    return number
  }

  /** What `find` says of a place, asked once. */
  closes(place: number, find: (term: Term) => boolean): boolean {
    const table = this.#table()
    const known = table.closes[place]
    if (known !== 0) return known > 0
    const closes = find(table.terms[place])
    table.closes[place] = closes ? 1 : -1
    return closes
  }

  /** Lets go of the terms. */
  end(): void {
    if (shared?.owner !== this) return
    shared.owner = undefined
    shared.terms = []
  }
}

/** The number of a term, by its id. */
function add(table: Table, term: Term): number {
  const { slots, terms } = table
  let slot = term.id & (SLOTS - 1)
  for (let i = 0; i < SLOTS && slots[slot] !== 0; i++, slot = (slot + 1) & (SLOTS - 1))
    if (terms[slots[slot]] === term) return slots[slot]
  const number = terms.length
  terms.push(term)
  if (slots[slot] === 0) slots[slot] = number
  if (number < table.closes.length) return number
  const { next, closes } = table
  table.next = new Int16Array(2 * next.length)
  table.next.set(next)
  table.closes = new Int8Array(2 * closes.length)
  table.closes.set(closes)
  return number
}
