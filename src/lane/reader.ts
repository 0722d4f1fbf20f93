// A reader's cursor is the place of its client's next text, and cuts a replayed answer to what is new.

import type { Answer, PlacedText } from '../answer/answer.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { Choice } from '../storage/turn-record.ts'

/**
 * The events of one client. Where an engine failed, the next one replays the answer, and what was given is
 * skipped.
 */
export class Reader {
  #started = false
  /** The place (`at`) of the next text. */
  #cursor = 0

  /** The next text that the client has not seen; undefined while there is none. */
  next(answer: Answer): PlacedText | undefined {
    let event = answer.take()
    while (event !== undefined && event.at < this.#cursor) event = answer.take()
    return event && this.#give(event)
  }

  /** `start` and the echoed prompt, once; called for each engine. */
  *start(record: Choice): Generator<GenerationEvent> {
    if (this.#started || (record.cachedTokens === undefined && record.end?.type === 'error')) return
    this.#started = true
    yield {
      type: 'start',
      promptTokens: record.prompt.ids.length,
      cachedTokens: record.cachedTokens ?? 0,
      truncatedTokens: record.prompt.truncatedTokens,
    }
    if (record.echo !== undefined) yield this.#give({ type: 'text', at: 0, text: record.echo, ids: [] })
  }

  /** All texts that are ready. */
  *take(answer: Answer): Generator<GenerationEvent> {
    for (let event = this.next(answer); event !== undefined; event = this.next(answer)) yield event
  }

  /** The text that was held back, for an answer that no token and no stop string ended. */
  *rest(record: Choice, answer: Answer): Generator<GenerationEvent> {
    const rest = record.end?.type === 'finish' && !answer.stopped ? answer.end() : undefined
    if (rest !== undefined) yield this.#give(rest)
  }

  #give(event: PlacedText): PlacedText {
    this.#cursor = event.at + 1
    return event
  }
}
