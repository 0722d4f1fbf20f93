// A record of what the client has received cuts a replayed stream to what is new.

import type { GenerationEvent } from '../protocol/generation.ts'

type SessionEvent = GenerationEvent & { type: 'session' }
type TextEvent = GenerationEvent & { type: 'text' }

const PARTS = ['ids', 'text', 'reasoning', 'calls', 'logprobs'] as const

/** How much of each part of a text event. */
type Amount = Record<(typeof PARTS)[number], number>

/**
 * Events pass through `fresh`; after `replay` those that were handed on are dropped. An answer's events are a function of its ids, so
 * the ids tell whether it is the same answer; how it is cut into events does not matter.
 */
export class Received {
  /** Whether any event was handed on, and any text. */
  anything = false
  text = false
  /** Whether the last event was handed on: nothing can follow it. */
  ended = false
  #session: SessionEvent | undefined
  #started = false
  #replayed = false
  readonly #ids: number[] = []
  #total = amount(() => 0)
  /** What of a replay has not come yet. */
  #left = amount(() => 0)

  /** The session that the reader was told. */
  get session(): string | undefined {
    return this.#session?.session
  }

  /** The answer comes once more, from its beginning. */
  replay(): void {
    this.#replayed = this.text
    this.#left = this.#total
  }

  /** What of an event is new; undefined if nothing. Throws if this is not the answer that was received before. */
  fresh(event: GenerationEvent): GenerationEvent | undefined {
    const fresh = this.#freshPart(event)
    if (fresh === undefined) return undefined
    this.anything = true
    if (fresh.type === 'text') this.text = true
    if (fresh.type === 'finish' || fresh.type === 'error') this.ended = true
    return fresh
  }

  /** Throws unless everything that was received has come again. */
  assertCaughtUp(): void {
    if (this.#behind) throw new Error('the replayed answer is shorter than what was received of it')
  }

  get #behind(): boolean {
    return PARTS.some((part) => this.#left[part] > 0)
  }

  #freshPart(event: GenerationEvent): GenerationEvent | undefined {
    switch (event.type) {
      case 'session':
        return this.#named(event)
      case 'start':
        if (this.#started) return undefined
        this.#started = true
        return event
      case 'text':
        return this.#cut(event)
      case 'finish':
        this.assertCaughtUp()
        return event
      case 'error':
        // Of a lane that cannot resume it; a turn that failed comes with all its text first.
        if (this.#behind) throw new Error(`${event.code}: ${event.message}`)
        return event
      default:
        return event
    }
  }

  #named(event: SessionEvent): SessionEvent | undefined {
    const before = this.#session
    if (before?.session === event.session && before.turn === event.turn) return undefined
    // Text of another answer must not follow what was received of this one.
    if (this.#replayed) throw new Error('the session has gone on with another turn')
    this.#session = event
    return event
  }

  #cut(event: TextEvent): TextEvent | undefined {
    const whole = amount((part) => event[part]?.length ?? 0)
    const old = amount((part) => Math.min(this.#left[part], whole[part]))
    const at = this.#ids.length - this.#left.ids
    if (event.ids.slice(0, old.ids).some((id, i) => id !== this.#ids[at + i]))
      throw new Error('the replayed answer differs from what was received of it')
    const left = this.#left
    this.#left = amount((part) => left[part] - old[part])
    const repeats = PARTS.some((part) => old[part] > 0)
    if (repeats && PARTS.every((part) => old[part] === whole[part])) return undefined
    const before = this.#total
    this.#total = amount((part) => before[part] + whole[part] - old[part])
    const rest = repeats ? without(event, old) : event
    this.#ids.push(...rest.ids)
    return rest
  }
}

function amount(of: (part: (typeof PARTS)[number]) => number): Amount {
  return {
    ids: of('ids'),
    text: of('text'),
    reasoning: of('reasoning'),
    calls: of('calls'),
    logprobs: of('logprobs'),
  }
}

function without(event: TextEvent, old: Amount): TextEvent {
  const { reasoning, calls, logprobs } = event
  return {
    type: 'text',
    text: event.text.slice(old.text),
    ids: event.ids.slice(old.ids),
    ...(reasoning !== undefined && { reasoning: reasoning.slice(old.reasoning) }),
    ...(calls !== undefined && { calls: calls.slice(old.calls) }),
    ...(logprobs !== undefined && { logprobs: logprobs.slice(old.logprobs) }),
  }
}
