// One answer as it grows: logits to ids, ids to text, text to content, thoughts and calls. Runs inside the engine's steps.

import type { AnswerParser, AnswerPiece } from '../chat/answers/parser.ts'
import { PLAIN_RULES, type AnswerRules } from '../chat/answers/rules.ts'
import type { FinishReason, GenerateRequest, GenerationEvent } from '../engine/events.ts'
import { StopStrings } from '../engine/stopping.ts'
import type { Choice } from '../engine/turn.ts'
import { sha256, type Sha256 } from '../lib/sha256.ts'
import type { Scratch } from '../sampling/candidates.ts'
import { createSampler, type Sampler } from '../sampling/sampler.ts'
import { TextStream } from '../tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { tokenLogprob } from './logprobs.ts'

export type TextEvent = GenerationEvent & { type: 'text' }

export class Answer {
  readonly #request: GenerateRequest
  readonly #tokenizer: Tokenizer
  readonly #sampler: Sampler
  readonly #prompt: ReadonlySet<number>
  readonly #generated = new Map<number, number>()
  readonly #stream: TextStream
  readonly #stops: StopStrings
  readonly #rules: AnswerRules
  readonly #parser: AnswerParser
  readonly #hash: Sha256 | undefined
  readonly #ready: TextEvent[] = []
  /** What the next event will carry: ids whose text is still held back, too. */
  #pending: TextEvent
  #called = false

  /** `scratch` is shared by all answers of an engine. Throws invalid_request when a sampling option is out of range. */
  constructor(
    request: GenerateRequest,
    tokenizer: Tokenizer,
    promptIds: readonly number[],
    scratch: Scratch,
    rules: AnswerRules = PLAIN_RULES,
  ) {
    this.#request = request
    this.#tokenizer = tokenizer
    this.#sampler = createSampler(request.sampling, { topLogprobs: request.topLogprobs, scratch })
    this.#prompt = new Set(promptIds)
    this.#stream = new TextStream(tokenizer, { continues: request.prompt.kind !== 'chat' })
    this.#stops = new StopStrings([...request.stop, ...rules.stops])
    this.#rules = rules
    this.#parser = rules.parser()
    this.#hash = request.hashLogits ? sha256() : undefined
    this.#pending = this.#emptyEvent()
  }

  /** The next text for the reader, or undefined while there is none. */
  take(): TextEvent | undefined {
    return this.#ready.shift()
  }

  /** Chooses the next id; see engine/turn.ts. */
  choose(logits: Float32Array, position: number): Choice {
    this.#hash?.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength))
    const occurrences = { prompt: this.#prompt, generated: this.#generated }
    const { id, logprobs } = this.#sampler.sample(logits, { ...occurrences, position })
    this.#generated.set(id, (this.#generated.get(id) ?? 0) + 1)
    const isEnd = this.#tokenizer.endIds.has(id) || this.#rules.ends.has(id)
    if (isEnd && !this.#request.ignoreEos) {
      const rest = this.end()
      if (rest !== undefined) this.#ready.push(rest)
      return { id, stop: true }
    }
    this.#pending.ids.push(id)
    if (logprobs !== undefined) this.#pending.logprobs?.push(tokenLogprob(id, logprobs, this.#tokenizer))
    const { text, stopped } = this.#stops.push(this.#stream.push(id) + (this.#rules.marks.get(id) ?? ''))
    const pieces = this.#parser.push(text)
    if (stopped) pieces.push(...this.#parser.end())
    this.#add(pieces)
    if (pieces.length > 0 || stopped) {
      this.#ready.push(this.#pending)
      this.#pending = this.#emptyEvent()
    }
    return { id, stop: stopped }
  }

  /** The last event: what was held back for a whole character or a stop string. Nothing follows it. */
  end(): TextEvent | undefined {
    const { text, stopped } = this.#stops.push(this.#stream.flush())
    const pieces = this.#parser.push(stopped ? text : text + this.#stops.flush())
    pieces.push(...this.#parser.end())
    this.#add(pieces)
    return this.#pending.ids.length > 0 || pieces.length > 0 ? this.#pending : undefined
  }

  /** Why the answer ended, in the client's words: calls count only where the model was not cut short. */
  finishReason(reason: FinishReason): FinishReason {
    return reason === 'stop' && this.#called ? 'tool_calls' : reason
  }

  /** SHA-256 in hex of all logits rows that were sampled from, if the request asked for it. */
  logitsHash(): string | undefined {
    return this.#hash?.hex()
  }

  #add(pieces: readonly AnswerPiece[]): void {
    const event = this.#pending
    for (const piece of pieces) {
      if (piece.kind === 'content') event.text += piece.text
      else if (piece.kind === 'reasoning') event.reasoning = (event.reasoning ?? '') + piece.text
      else {
        this.#called = true
        ;(event.calls ??= []).push(piece.call)
      }
    }
  }

  #emptyEvent(): TextEvent {
    return {
      type: 'text',
      text: '',
      ids: [],
      ...(this.#request.topLogprobs !== undefined && { logprobs: [] }),
    }
  }
}
