// A reader counts the texts that its client was given, so that a replayed answer is cut to what is new.

import type { Answer, TextEvent } from '../answer/answer.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { TurnRecord } from '../storage/turn-record.ts'

/** The events of one client. Where an engine failed, the next one replays the answer, and what was given is skipped. */
export class Reader {
  #started = false
  #given = 0
  #skip = 0

  /** The next text that the client has not seen; undefined while there is none. */
  next(answer: Answer): TextEvent | undefined {
    for (;;) {
      const event = answer.take()
      if (event === undefined) return undefined
      if (this.#skip > 0) {
        this.#skip -= 1
        continue
      }
      this.#given += 1
      return event
    }
  }

  /** `start` and the echoed prompt, once; called for each engine, since each gives the answer from its first text on. */
  *start(record: TurnRecord): Generator<GenerationEvent> {
    this.#skip = this.#given
    if (this.#started || (record.cachedTokens === undefined && record.end?.type === 'error')) return
    this.#started = true
    yield {
      type: 'start',
      promptTokens: record.prompt.ids.length,
      cachedTokens: record.cachedTokens ?? 0,
      truncatedTokens: record.prompt.truncatedTokens,
    }
    if (record.echo !== undefined) yield { type: 'text', text: record.echo, ids: [] }
  }

  /** All texts that are ready. */
  *take(answer: Answer): Generator<GenerationEvent> {
    for (let event = this.next(answer); event !== undefined; event = this.next(answer)) yield event
  }

  /** The text that was held back, for an answer that its limit of tokens cut short. */
  *rest(record: TurnRecord, answer: Answer): Generator<GenerationEvent> {
    const rest = record.end?.type === 'finish' && record.end.reason === 'length' ? answer.end() : undefined
    if (rest !== undefined) yield rest
  }
}
