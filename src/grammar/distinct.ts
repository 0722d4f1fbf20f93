// A distinct term is a text unlike those that were there: a key of an object, an item of a set.

import { Term } from './term.ts'
import { spend } from './work-budget.ts'

/** What goes on when a text is whole: its bytes, as Latin-1, tell which one it was. */
type Then = (text: string) => Term

/**
 * The strings of `inner` but for those in `seen` (bytes as Latin-1), then what `then` says. NOTHING where none is left; what `then`
 * gives must have a way to the end.
 */
export function distinct(inner: Term, seen: ReadonlySet<string>, then: Then): Term {
  return isLeft(inner, '', seen) ? new Distinct(inner, '', seen, then) : inner.terms.nothing
}

class Distinct extends Term {
  readonly #inner: Term
  readonly #before: string
  readonly #seen: ReadonlySet<string>
  readonly #then: Then

  /** `way`: known by the text that it goes on. */
  constructor(inner: Term, before: string, seen: ReadonlySet<string>, then: Then, way?: string) {
    super(inner.terms)
    this.#inner = inner
    this.#before = before
    this.#seen = seen
    this.#then = then
    this.#known = way
  }

  get shortest(): number {
    const way = this.#way()
    return way.length + this.#then(this.#before + way).shortest
  }

  /** Whoever made it has looked. */
  override get isPossible(): boolean {
    return true
  }

  get shortestByte(): number {
    const way = this.#way()
    return way === '' ? this.#then(this.#before).shortestByte : way.charCodeAt(0)
  }

  /** To the end of a text that was not there: longer than the shortest one where that was. */
  #known: string | undefined
  #way(): string {
    return (this.#known ??= shortestOther(this.#inner, this.#before, this.#seen))
  }

  derive(byte: number): Term {
    const { terms } = this
    const within = this.#within(byte)
    return this.#inner.shortest === 0
      ? terms.either(within, terms.step(this.#whole(this.#before), byte))
      : within
  }

  #within(byte: number): Term {
    const text = this.#before + String.fromCharCode(byte)
    const inner = this.terms.step(this.#inner, byte)
    if (inner === this.terms.empty) return this.#whole(text)
    const known = this.#known
    const way = known?.charCodeAt(0) === byte ? known.slice(1) : undefined
    return way !== undefined || isLeft(inner, text, this.#seen)
      ? new Distinct(inner, text, this.#seen, this.#then, way)
      : this.terms.nothing
  }

  #whole(text: string): Term {
    return this.#seen.has(text) ? this.terms.nothing : this.#then(text)
  }
}

/** `inner` has a string besides those of `seen` that begin with `before`. */
function isLeft(inner: Term, before: string, seen: ReadonlySet<string>): boolean {
  if (!inner.isPossible) return false
  let taken = 0
  for (const text of seen) if (text.startsWith(before)) taken++
  return taken === 0 || inner.leastCount > taken || someStrings(inner, taken + 1).length > taken
}

function shortestOther(inner: Term, before: string, seen: ReadonlySet<string>): string {
  const way = Array.from(inner.terms.shortestWay(inner), (byte) => String.fromCharCode(byte)).join('')
  if (!seen.has(before + way)) return way
  const other = someStrings(inner, seen.size + 1).find((text) => !seen.has(before + text))
  if (other === undefined) throw new RangeError('no text is left')
  return other
}

/** The shortest strings of a term, `most` at most; each is followed to its end before the next is looked for. */
export function someStrings(term: Term, most: number): string[] {
  const { terms } = term
  const found = new Set<string>()
  const waiting = new Map<number, [text: string, term: Term][]>([[term.shortest, [['', term]]]])
  while (waiting.size > 0 && found.size < most) {
    const length = Math.min(...waiting.keys())
    const next = waiting.get(length)?.pop()
    if (next === undefined) {
      waiting.delete(length)
      continue
    }
    spend(32)
    const [text, at] = next
    if (at.shortest === 0) found.add(text)
    for (let byte = 0; byte < 256; byte++) {
      const to = terms.step(at, byte)
      if (to === terms.nothing) continue
      const total = text.length + 1 + to.shortest
      const beside = waiting.get(total)
      const item: [string, Term] = [text + String.fromCharCode(byte), to]
      if (beside === undefined) waiting.set(total, [item])
      else beside.push(item)
    }
  }
  return [...found]
}
