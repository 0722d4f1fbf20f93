// Stop strings end a stream of text: what may become one is held back, and nothing of one is given out.

/**
 * Looks for stop strings in text that comes in pieces. The first one to be complete ends the text; of several
 * that end together, the longest. So how the text is cut into pieces changes nothing.
 */
export class StopStrings {
  readonly #stops: readonly Matched[]
  #held = ''
  #stopped = false
  /** The one that ended the text. */
  found: string | undefined

  /** Empty strings, and strings with half a surrogate pair (no decoded text has one), never match. */
  constructor(stops: readonly string[]) {
    const usable = stops.filter((stop) => stop !== '' && stop.isWellFormed())
    this.#stops = usable.map((stop) => ({ stop, fallback: fallbacksOf(stop), length: 0 }))
  }

  /** Takes the next piece; gives the text that is certain to stand before any stop string. */
  push(piece: string): { text: string; stopped: boolean } {
    if (this.#stopped) return { text: '', stopped: true }
    const text = this.#held + piece
    for (let i = this.#held.length; i < text.length; i++) {
      const found = this.#advance(text.charCodeAt(i))
      if (found === '') continue
      this.#stopped = true
      this.found = found
      this.#held = ''
      return { text: text.slice(0, i + 1 - found.length), stopped: true }
    }
    const held = this.#stops.reduce((longest, { length }) => Math.max(longest, length), 0)
    this.#held = text.slice(text.length - held)
    return { text: text.slice(0, text.length - held), stopped: false }
  }

  /** The end of the text: gives what was held back; '' after a stop string. */
  flush(): string {
    const text = this.#held
    this.#held = ''
    for (const matched of this.#stops) matched.length = 0
    return text
  }

  /** Takes one UTF-16 unit; the longest stop string that it completes, else ''. */
  #advance(unit: number): string {
    let longest = ''
    for (const matched of this.#stops) {
      const { stop, fallback } = matched
      while (matched.length > 0 && stop.charCodeAt(matched.length) !== unit) {
        matched.length = fallback[matched.length - 1]
      }
      if (stop.charCodeAt(matched.length) === unit) matched.length++
      if (matched.length === stop.length && stop.length > longest.length) longest = stop
    }
    return longest
  }
}

/** `length`: how long a beginning of the stop string the text so far ends with. */
type Matched = { readonly stop: string; readonly fallback: Uint32Array; length: number }

/** By length - 1 of a beginning: the longest shorter beginning that it ends with (Knuth, Morris, Pratt). */
function fallbacksOf(stop: string): Uint32Array {
  const fallbacks = new Uint32Array(stop.length)
  let length = 0
  for (let i = 1; i < stop.length; i++) {
    while (length > 0 && stop.charCodeAt(i) !== stop.charCodeAt(length)) length = fallbacks[length - 1]
    if (stop.charCodeAt(i) === stop.charCodeAt(length)) length++
    fallbacks[i] = length
  }
  return fallbacks
}
