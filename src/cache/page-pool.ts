// The page pool knows which pages of the KV cache are free, and counts the holders of each of the others.

export class PagePool {
  readonly pageCount: number
  readonly #holders: Uint16Array // by page; 0 = free
  #free: number

  constructor(pageCount: number) {
    this.pageCount = pageCount
    this.#holders = new Uint16Array(pageCount)
    this.#free = pageCount
  }

  get free(): number {
    return this.#free
  }

  /** The longest run of free pages, the first of several. */
  freeRun(): { first: number; count: number } {
    let longest = { first: 0, count: 0 }
    let first = 0
    for (let page = 0; page < this.pageCount; page++) {
      if (this.#holders[page] !== 0) first = page + 1
      else if (page - first >= longest.count) longest = { first, count: page - first + 1 }
    }
    return longest
  }

  /**
   * A page for one holder, its bytes undefined; undefined when none is free. The first free one behind
   * `after`, from the front again at the end: pages of a sequence that lie side by side are read faster.
   */
  take(after = -1): number | undefined {
    if (this.#free === 0) return undefined
    let page = (after + 1) % this.pageCount
    while (this.#holders[page] !== 0) page = (page + 1) % this.pageCount
    this.#holders[page] = 1
    this.#free -= 1
    return page
  }

  /** One more holder: the page may be read by all of them and written by none. */
  share(page: number): void {
    if (this.#holders[page] === 0) throw new RangeError(`page ${page} is free and cannot be shared`)
    this.#holders[page] += 1
  }

  isShared(page: number): boolean {
    return this.#holders[page] > 1
  }

  /** One holder less; the last one frees the page. */
  release(page: number): void {
    if (this.#holders[page] === 0) throw new RangeError(`page ${page} was given back twice`)
    this.#holders[page] -= 1
    if (this.#holders[page] === 0) this.#free += 1
  }
}
