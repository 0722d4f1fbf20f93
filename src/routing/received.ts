// A record of what the client has received cuts a replayed answer to what is new.

import type { GenerationEvent, SessionEvent, TextEvent } from '../protocol/generation.ts'

type ReceivedAnswer = {
  started: boolean
  ended: boolean
  /**
   * Ids of each text that was handed on. Their number is the cursor: the place of the first text that is new.
   */
  texts: (readonly number[])[]
  /** The place of the next text in the stream that is read now. */
  at: number
}

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
  #replayed = false
  /** Each answer by its index. */
  readonly #answers: ReceivedAnswer[] = []

  /** The session that the reader was told. */
  get session(): string | undefined {
    return this.#session?.session
  }

  /** Whether any text was handed on. */
  get text(): boolean {
    return this.#answers.some(({ texts }) => texts.length > 0)
  }

  /** The answer comes once more, from its beginning. */
  replay(): void {
    this.#replayed = this.text
    this.#answers.forEach((answer) => (answer.at = 0))
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
    return this.#answers.some(({ at, texts }) => at < texts.length)
  }

  #answer({ choice = 0 }: { choice?: number }): ReceivedAnswer {
    return (this.#answers[choice] ??= { started: false, ended: false, texts: [], at: 0 })
  }

  #isFresh(event: GenerationEvent): boolean {
    switch (event.type) {
      case 'session':
        return this.#isOther(event)
      case 'start':
        return isFirst(this.#answer(event), 'started')
      case 'text':
        return isNew(this.#answer(event), event)
      case 'end':
        return isFirst(this.#answer(event), 'ended')
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
}

function isFirst(answer: ReceivedAnswer, what: 'started' | 'ended'): boolean {
  const before = answer[what]
  answer[what] = true
  return !before
}

function isNew(answer: ReceivedAnswer, { at, ids }: TextEvent): boolean {
  // A stream leaves nothing out. Lanes that have older code than this, while both are served, do not say
  // the place.
  if (at !== undefined && at !== answer.at) throw new Error('a text of the answer is missing')
  const before = answer.texts[answer.at++]
  if (before === undefined) {
    answer.texts.push(ids)
    return true
  }
  if (before.length !== ids.length || before.some((id, i) => id !== ids[i]))
    throw new Error('the replayed answer differs from what was received of it')
  return false
}
