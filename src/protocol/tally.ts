// A tally counts the events of one generation: its tokens, its times and how it ended. It keeps no text.

import type { GenerationEvent } from './generation.ts'

/** What one generation came to. Times are milliseconds: a deployed clock stands still while code computes. */
export type Tally = {
  promptTokens: number
  /** Of the prompt: what was not computed for it. */
  cachedTokens: number
  /** It began before, and this reads on; or it had ended, and this repeats it. */
  again?: 'goes on' | 'repeated'
  /** Tokens that are new with this reading. */
  newTokens: number
  /** Tokens of the answer, those of earlier readings too. */
  completionTokens: number
  /** Until the prompt began: in the queue, and while weights loaded. */
  waitMs: number
  /** From there to the first text. */
  promptMs: number
  /** From there to the end. */
  answerMs: number
  /** Why the model ended, `scored`, `error`, or `left` by its reader before its end. */
  reason: string
  /** Of an error. */
  code?: string
}

/** Until an end comes. */
const LEFT = 'left'

export class Meter {
  readonly #now: () => number
  readonly #began: number
  #startAt: number | undefined
  #textAt: number | undefined
  #known = 0
  #again: Tally['again']
  #wrote = 0
  #seen = 0
  #tally: Pick<Tally, 'promptTokens' | 'cachedTokens' | 'completionTokens' | 'reason' | 'code'> = {
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    reason: LEFT,
  }
  #over = false

  /** `now`: milliseconds, any origin. */
  constructor(now: () => number) {
    this.#now = now
    this.#began = now()
  }

  /** The turn began before, and has `tokens` of its answer: neither they nor its prompt are new. */
  told(tokens: number, again: NonNullable<Tally['again']>): void {
    this.#known = tokens
    this.#again = again
  }

  /** So many tokens were computed for it, whether its reader took them or not. */
  wrote(tokens: number): void {
    this.#wrote += tokens
  }

  /** Takes an event in; true for the last one. */
  see(event: GenerationEvent): boolean {
    switch (event.type) {
      case 'start':
        this.#startAt ??= this.#now()
        // Of several answers the end has the sum.
        if (event.choice === undefined) this.#prompt(event)
        break
      case 'text':
        this.#seen += event.ids.length
        if (event.ids.length > 0) this.#textAt ??= this.#now()
        break
      case 'finish':
        this.#tally.reason = event.stopped ?? event.reason
        this.#prompt(event.usage)
        this.#tally.completionTokens = event.usage.completionTokens
        break
      case 'scores':
        this.#startAt ??= this.#began
        this.#prompt(event)
        this.#tally.reason = 'scored'
        break
      case 'error':
        this.#tally.reason = 'error'
        this.#tally.code = event.code
        break
      case 'tokens':
        if (event.last) this.#tally.reason = 'tokens'
        break
      case 'end':
      case 'embedding':
      case 'session':
      case 'progress':
    }
    return this.#tally.reason !== LEFT
  }

  /** What it came to, once; undefined when it was asked for already. `code`: of what was thrown instead of an event. */
  end(code?: string): Tally | undefined {
    if (this.#over) return undefined
    this.#over = true
    if (code !== undefined && this.#tally.reason === LEFT)
      this.#tally = { ...this.#tally, reason: 'error', code }
    const now = this.#now()
    const [start, text] = [this.#startAt ?? this.#textAt ?? now, this.#textAt ?? now]
    const newTokens = Math.max(0, this.#seen - this.#known, this.#wrote)
    return {
      ...this.#tally,
      ...(this.#again && { again: this.#again }),
      newTokens,
      completionTokens: this.#tally.completionTokens || this.#seen,
      waitMs: start - this.#began,
      promptMs: text - start,
      answerMs: now - text,
    }
  }

  #prompt({ promptTokens, cachedTokens }: { promptTokens: number; cachedTokens: number }): void {
    this.#tally.promptTokens = promptTokens
    this.#tally.cachedTokens = cachedTokens
  }
}

/** Upper bounds, in seconds, of the histogram of first tokens. */
export const FIRST_TOKEN_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

/** What the generations that have ended came to. */
export type GenerationCounts = {
  /** Of prompts: tokens that were computed, and those that were not. */
  promptTokens: number
  cachedTokens: number
  predictedTokens: number
  waitMs: number
  promptMs: number
  predictedMs: number
  /** The largest prompt with its answer, in tokens. */
  tokensMax: number
  /** Generations by the reason of their end, or the code of their error. */
  ended: Record<string, number>
  /** First tokens in each interval of FIRST_TOKEN_BOUNDS, those later than all last; and their seconds together. */
  firstTokens: number[]
  firstSeconds: number
}

/** Counts of nothing yet. */
export function noGenerations(): GenerationCounts {
  return {
    promptTokens: 0,
    cachedTokens: 0,
    predictedTokens: 0,
    waitMs: 0,
    promptMs: 0,
    predictedMs: 0,
    tokensMax: 0,
    ended: {},
    firstTokens: Array.from({ length: FIRST_TOKEN_BOUNDS.length + 1 }, () => 0),
    firstSeconds: 0,
  }
}

/** Adds a generation that has ended. */
export function count(counts: GenerationCounts, tally: Tally): void {
  const { promptTokens, cachedTokens, newTokens, completionTokens, waitMs, promptMs } = tally
  if (tally.again === 'repeated') return
  counts.predictedTokens += newTokens
  counts.waitMs += waitMs
  counts.promptMs += promptMs
  counts.predictedMs += tally.answerMs
  counts.tokensMax = Math.max(counts.tokensMax, promptTokens + completionTokens)
  const end = tally.code ?? tally.reason
  counts.ended[end] = (counts.ended[end] ?? 0) + 1
  if (tally.again !== undefined) return
  counts.promptTokens += promptTokens - cachedTokens
  counts.cachedTokens += cachedTokens
  if (newTokens === 0) return
  const seconds = (waitMs + promptMs) / 1000
  const place = FIRST_TOKEN_BOUNDS.findIndex((bound) => seconds <= bound)
  counts.firstTokens[place < 0 ? FIRST_TOKEN_BOUNDS.length : place] += 1
  counts.firstSeconds += seconds
}
