// A record of what the client has received cuts a replayed answer to what is new.

import type { GenerationEvent, SessionEvent, TextEvent } from '../protocol/generation.ts'

/**
 * Events pass through `fresh`; after `replay` those that were handed on are dropped, texts by the place that
 * they carry. All readings of a turn have the same texts at the same places, so the ids at each tell whether
 * it is the same answer.
 */
export class Received {
  /** Whether any event was handed on. */
  anything = false
  /** Whether the last event was handed on: nothing can follow it. */
  ended = false
  #session: SessionEvent | undefined
  #started = false
  #replayed = false
  /**
   * Ids of each text that was handed on. Their number is the cursor: the place of the first text that is new.
   */
  readonly #texts: (readonly number[])[] = []
  /** The place of the next text in the stream that is read now. */
  #at = 0

  /** The session that the reader was told. */
  get session(): string | undefined {
    return this.#session?.session
  }

  /** Whether any text was handed on. */
  get text(): boolean {
    return this.#texts.length > 0
  }

  /** The answer comes once more, from its beginning. */
  replay(): void {
    this.#replayed = this.text
    this.#at = 0
  }

  /**
   * The event, or undefined if it was received before. Throws if this is not the answer that was received
   * before.
   */
  fresh(event: GenerationEvent): GenerationEvent | undefined {
    if (!this.#isFresh(event)) return undefined
    this.anything = true
    if (event.type === 'finish' || event.type === 'scores' || event.type === 'error') this.ended = true
    if (event.type === 'tokens' && event.last === true) this.ended = true
    return event
  }

  /** Throws unless everything that was received has come again. */
  assertCaughtUp(): void {
    if (this.#behind) throw new Error('the replayed answer is shorter than what was received of it')
  }

  get #behind(): boolean {
    return this.#at < this.#texts.length
  }

  #isFresh(event: GenerationEvent): boolean {
    switch (event.type) {
      case 'session':
        return this.#isOther(event)
      case 'start':
        if (this.#started) return false
        this.#started = true
        return true
      case 'text':
        return this.#isNew(event)
      case 'finish':
        this.assertCaughtUp()
        return true
      case 'error':
        // Of a lane that cannot resume it; a turn that failed comes with all its text first.
        if (this.#behind) throw new Error(`${event.code}: ${event.message}`)
        return true
      default:
        return true
    }
  }

  #isOther(event: SessionEvent): boolean {
    const before = this.#session
    if (before?.session === event.session && before.turn === event.turn) return false
    // Text of another answer must not follow what was received of this one.
    if (this.#replayed) throw new Error('the session has gone on with another turn')
    this.#session = event
    return true
  }

  #isNew({ at, ids }: TextEvent): boolean {
    // A stream leaves nothing out. Lanes that have older code than this, while both are served, do not say
    // the place.
    if (at !== undefined && at !== this.#at) throw new Error('a text of the answer is missing')
    const before = this.#texts[this.#at++]
    if (before === undefined) {
      this.#texts.push(ids)
      return true
    }
    if (before.length !== ids.length || before.some((id, i) => id !== ids[i]))
      throw new Error('the replayed answer differs from what was received of it')
    return false
  }
}
