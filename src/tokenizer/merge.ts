// The merge loop of both BPE kinds joins the best pair of neighbours until none is left. A heap keeps hostile
// input (100 KB without a space) at n log n.

/** Which neighbours may be joined, and in which order. */
export interface PairRules {
  /**
   * A candidate for joining two symbols (ids, or -1 where unknown) that cover bytes [start, end); -1 = never.
   */
  find(left: number, right: number, start: number, end: number): number
  /** Lower goes first; among equals the leftmost. Below 2^21. */
  order(candidate: number): number
  /** The id of the joined symbol. */
  result(candidate: number): number
}

const POSITIONS = 2 ** 31
/** Arrays that are kept grow by doubling; those of a long piece have its length. */
const KEPT_SYMBOLS = 1 << 13

export class Merger {
  /** The text that is merged. */
  bytes = new Uint8Array(256)
  /** Symbols: the caller fills ids[0, count) and starts[0, count]; afterwards walks from 0 by next[]. */
  count = 0
  ids = new Int32Array(0)
  starts = new Int32Array(0) // byte offset of each symbol; starts[count] is the end
  next = new Int32Array(0)
  #previous = new Int32Array(0)
  #candidates = new Int32Array(0) // for the pair that begins at this symbol
  #heap = new Float64Array(0) // order x 2^31 + position, stale entries included
  #size = 0
  #proposed = 0 // pairs that have been looked at for the first time
  readonly #rules: PairRules

  /** `rules` of the text that it is given a view of. */
  constructor(rules: (text: () => Uint8Array) => PairRules) {
    this.#rules = rules(() => this.bytes)
  }

  /** Forgets all symbols, and makes room for `most`: about 36 bytes each. */
  reserve(most: number): void {
    this.count = this.#size = this.#proposed = 0
    if (this.ids.length > most) return
    const capacity = Math.max(256, most + 1 + Math.min(most, KEPT_SYMBOLS))
    this.ids = new Int32Array(capacity)
    this.starts = new Int32Array(capacity)
    this.next = new Int32Array(capacity)
    this.#previous = new Int32Array(capacity)
    this.#candidates = new Int32Array(capacity)
    // count - 1 pairs at first; each merge takes one entry and adds at most two.
    this.#heap = new Float64Array(2 * capacity)
  }

  /** Merges in place, on for at most `units` looks at a pair; true once no pair is left. */
  advance(units: number): boolean {
    const { ids, starts, next, count } = this
    const rules = this.#rules
    const previous = this.#previous
    const candidates = this.#candidates
    for (; this.#proposed <= count; this.#proposed++) {
      if (units-- <= 0) return false
      const at = this.#proposed
      next[at] = at + 1
      previous[at] = at - 1
      if (at > 0) this.#propose(rules, at - 1, count)
    }
    while (this.#size > 0) {
      if (units-- <= 0) return false
      const key = this.#pop()
      const order = Math.floor(key / POSITIONS)
      const left = key - order * POSITIONS
      const candidate = candidates[left]
      if (candidate < 0 || rules.order(candidate) !== order) continue // its pair has changed since
      const right = next[left]
      const after = next[right]
      ids[left] = rules.result(candidate)
      next[left] = after
      if (after < count) previous[after] = left
      candidates[right] = -1
      starts[right] = starts[left]
      this.#propose(rules, left, count)
      if (previous[left] >= 0) this.#propose(rules, previous[left], count)
    }
    return true
  }

  #propose(rules: PairRules, left: number, count: number): void {
    const right = this.next[left]
    this.#candidates[left] = -1
    if (right >= count) return
    const candidate = rules.find(
      this.ids[left],
      this.ids[right],
      this.starts[left],
      this.starts[this.next[right]],
    )
    if (candidate < 0) return
    this.#candidates[left] = candidate
    this.#push(rules.order(candidate) * POSITIONS + left)
  }

  #push(key: number): void {
    const heap = this.#heap
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent] <= key) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = key
  }

  #pop(): number {
    const heap = this.#heap
    const top = heap[0]
    const key = heap[--this.#size]
    const size = this.#size
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && heap[child + 1] < heap[child]) child++
      if (heap[child] >= key) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = key
    return top
  }
}
