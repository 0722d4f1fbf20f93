// Prompt scores are the log probabilities of a prompt's own tokens, which come with its echo.

import { IsletError } from '../lib/errors.ts'
import type { TextEvent, TokenLogprob } from '../protocol/generation.ts'
import { logprobsOf, maximum } from '../sampling/logprobs.ts'
import { TextStream } from '../tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { tokenLogprob } from './token-logprob.ts'

/** Tokens of an echo that go in one event. The places of texts depend on it: a stream is never read on under another. */
const EVENT_TOKENS = 16

/** Of each token, numbers alone until its event is taken: a reader may be far behind its prompt. */
export class PromptScores {
  /** Events of the echo, and so the place of the answer's first text. */
  readonly events: number
  readonly #ids: readonly number[]
  readonly #tokenizer: Tokenizer
  readonly #top: number
  readonly #stream: TextStream
  /** NaN for a token that no logits are about: the first, and those of a prefix that sees itself both ways. */
  readonly #logprobs: Float64Array // (ids)
  readonly #rivals: Int32Array // (ids, top)
  readonly #rivalLogprobs: Float64Array // (ids, top)
  /** Tokens whose logits have come, or never will; those that were taken. */
  #heard = 1
  #taken = 0
  /** They are another's. */
  isGiven = false

  /** `top`: how many alternatives come with each token. */
  constructor(ids: readonly number[], tokenizer: Tokenizer, top: number) {
    this.events = Math.ceil(ids.length / EVENT_TOKENS)
    this.#ids = ids
    this.#tokenizer = tokenizer
    this.#top = Math.min(top, tokenizer.vocabSize)
    // The text that the tokens say, character by character, so that each token's place in it can be told.
    this.#stream = new TextStream(tokenizer, { cleanUp: false })
    this.#logprobs = new Float64Array(ids.length).fill(NaN)
    this.#rivals = new Int32Array(ids.length * this.#top)
    this.#rivalLogprobs = new Float64Array(this.#rivals.length)
  }

  /** Takes the logits, (vocab) f32, from which the token at `position` could have been chosen; see engine/turn.ts. */
  hear(logits: Float32Array, position: number): void {
    if (position >= this.#ids.length) return
    const best = maximum(logits)
    if (!(Math.abs(best) < Infinity))
      throw new IsletError(
        'engine_failure',
        `the best of ${logits.length} scores is ${best}: none can be told`,
      )
    const { logprob, top } = logprobsOf(logits, best, this.#ids[position], this.#top)
    this.#logprobs[position] = logprob
    for (const [rank, rival] of top.entries()) {
      this.#rivals[position * this.#top + rank] = rival.id
      this.#rivalLogprobs[position * this.#top + rank] = rival.logprob
    }
    this.#heard = position + 1
  }

  /** The last row of the prompt has run: its logits are about what comes next. */
  complete(): void {
    this.#heard = this.#ids.length
  }

  /** Takes over what another has heard of the same prompt, all of it. */
  copy(other: PromptScores): void {
    this.isGiven = true
    this.#logprobs.set(other.#logprobs)
    this.#rivals.set(other.#rivals)
    this.#rivalLogprobs.set(other.#rivalLogprobs)
    this.complete()
  }

  get isTaken(): boolean {
    return this.#taken === this.#ids.length
  }

  /** The next event of the echo; undefined while its logits have not come, and when all were taken. */
  take(): (TextEvent & { at: number }) | undefined {
    const from = this.#taken
    const to = Math.min(from + EVENT_TOKENS, this.#ids.length)
    if (this.isTaken || this.#heard < to) return undefined
    let text = ''
    const logprobs: TokenLogprob[] = []
    for (let at = from; at < to; at++) {
      text += this.#stream.push(this.#ids[at])
      logprobs.push(this.#entry(at))
    }
    this.#taken = to
    if (this.isTaken) text += this.#stream.flush()
    return { type: 'text', at: from / EVENT_TOKENS, text, ids: [], logprobs }
  }

  #entry(at: number): TokenLogprob {
    const logprob = this.#logprobs[at]
    const isScored = !Number.isNaN(logprob)
    const top = Array.from({ length: isScored ? this.#top : 0 }, (_, rank) => ({
      id: this.#rivals[at * this.#top + rank],
      logprob: this.#rivalLogprobs[at * this.#top + rank],
    }))
    const entry = tokenLogprob(this.#ids[at], { logprob: isScored ? logprob : 0, top }, this.#tokenizer)
    return isScored ? entry : { ...entry, unscored: true }
  }
}
