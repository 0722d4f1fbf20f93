// A free text is any bytes up to a mark, behind which another term holds what follows.
//
// Source: Aho and Corasick, "Efficient string matching: an aid to bibliographic search", 1975: one look a byte, however many marks.

import { Compound, type Term, type Terms } from './term.ts'
import { TOKEN_BYTE } from './marked.ts'

export type Mark = {
  text: string
  /** What follows it; asked for once the mark is there, so that it may lead back. Of NOTHING the mark never comes. */
  then: () => Term
  /** Counts at the very beginning of the text alone. */
  isFirst?: boolean
}

type Node = { next: Map<number, Node>; fallback: Node | undefined; mark: Mark | undefined; depth: number }

/** A text that may end anywhere, as long as no mark has come. `skipsSpace`: white space may stand before a first mark. */
export function freeText(terms: Terms, marks: readonly Mark[], skipsSpace = false): Term {
  return new FreeText(terms, startOf(marks, skipsSpace))
}

/** Any text up to the mark, which must come; `isToken`: the vocabulary has it as a token of its own. */
export function textUpTo(terms: Terms, mark: Mark, isToken: boolean): Term {
  const text = new TextEncoder().encode(mark.text)
  return new FreeText(terms, startOf([mark]), { text, then: mark.then, isToken })
}

/** Whether nothing holds the text at this place. */
export function isFree(term: Term): boolean {
  return term instanceof FreeText
}

const WHITE = Array.from(' \n\t\r\f\v', (space) => space.charCodeAt(0))

/** The node of the beginning, where first marks and all others may begin. */
function startOf(marks: readonly Mark[], skipsSpace = false): Node {
  const root = node(undefined, 0)
  add(
    root,
    marks.filter(({ isFirst }) => isFirst !== true),
    root,
  )
  const first = marks.filter(({ isFirst }) => isFirst === true)
  if (first.length === 0) return root
  const start = node(root, 0)
  if (skipsSpace) for (const byte of WHITE) start.next.set(byte, start)
  add(start, first, root)
  return start
}

function node(fallback: Node | undefined, depth: number): Node {
  return { next: new Map(), fallback, mark: undefined, depth }
}

/** Adds marks below `from`, breadth first: where no byte leads on, the longest end that begins a mark of `root` does. */
function add(from: Node, marks: readonly Mark[], root: Node): void {
  const encoder = new TextEncoder()
  let level = marks.map((mark) => ({ mark, bytes: encoder.encode(mark.text), at: from }))
  for (let i = 0; level.length > 0; i++) {
    for (const each of level) {
      const byte = each.bytes[i]
      let next = each.at.next.get(byte)
      if (next === undefined || next === from) {
        next = node(each.at === root ? root : follow(each.at.fallback ?? root, byte, root), i + 1)
        each.at.next.set(byte, next)
      }
      each.at = next
    }
    for (const { bytes, at, mark } of level) if (bytes.length === i + 1) at.mark = mark
    level = level.filter(({ bytes }) => bytes.length > i + 1)
  }
}

function follow(from: Node, byte: number, root: Node): Node {
  for (let at: Node | undefined = from; at !== undefined; at = at.fallback) {
    const next = at.next.get(byte)
    if (next !== undefined) return next
  }
  return root
}

type Required = { text: Uint8Array; then: () => Term; isToken: boolean }

class FreeText extends Compound {
  readonly #node: Node
  /** The mark that must come. */
  readonly #required: Required | undefined
  /** A token's mark has been announced. */
  readonly #isAnnounced: boolean
  /** One term a node. */
  readonly #others: Map<Node | 'announced', FreeText>

  constructor(
    terms: Terms,
    at: Node,
    required?: Required,
    others = new Map<Node | 'announced', FreeText>(),
    isAnnounced = false,
  ) {
    super(terms)
    this.#node = at
    this.#required = required
    this.#others = others
    this.#isAnnounced = isAnnounced
    others.set(isAnnounced ? 'announced' : at, this)
  }

  get #announces(): boolean {
    return this.#required?.isToken === true && this.#node.depth === 0 && !this.#isAnnounced
  }

  protected measure(): number {
    if (this.#required === undefined) return 0
    const { text, then } = this.#required
    return (this.#announces ? 1 : 0) + text.length - this.#node.depth + then().shortest
  }

  get shortestByte(): number {
    if (this.#required === undefined) throw new RangeError('what may end has no shortest byte')
    return this.#announces ? TOKEN_BYTE : this.#required.text[this.#node.depth]
  }

  derive(byte: number): Term {
    // It prints nothing: the text goes on as it was.
    if (byte === TOKEN_BYTE) return this.#announces ? this.#at(this.#node, true) : this
    let root = this.#node
    while (root.fallback !== undefined) root = root.fallback
    const next = follow(this.#node, byte, root)
    for (let at: Node | undefined = next; at !== undefined; at = at.fallback)
      if (at.mark !== undefined) return at.mark.then()
    return this.#at(next)
  }

  #at(next: Node, isAnnounced = false): FreeText {
    const known = this.#others.get(isAnnounced ? 'announced' : next)
    return known ?? new FreeText(this.terms, next, this.#required, this.#others, isAnnounced)
  }
}
