// The KV pool's bookkeeping: which pages are free, and how many sequences hold each of the others.

export class PagePool {
  readonly pageCount: number
  readonly #holders: Uint16Array // by page
  readonly #free: number[]

  constructor(pageCount: number) {
    this.pageCount = pageCount
    this.#holders = new Uint16Array(pageCount)
    this.#free = Array.from({ length: pageCount }, (_, index) => pageCount - 1 - index)
  }

  get free(): number {
    return this.#free.length
  }

  /** A page for one holder, its bytes undefined; undefined when none is free. */
  take(): number | undefined {
    const page = this.#free.pop()
    if (page !== undefined) this.#holders[page] = 1
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
    if (this.#holders[page] === 0) this.#free.push(page)
  }
}
