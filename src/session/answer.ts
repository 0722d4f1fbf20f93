// One answer as it grows: logits to ids, ids to text, text to events. Runs inside the engine's steps.

import type { GenerateRequest, GenerationEvent } from '../engine/events.ts'
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
  readonly #hash: Sha256 | undefined
  readonly #ready: TextEvent[] = []
  /** What the next event will carry: ids whose text is still held back, too. */
  #pending: TextEvent

  /** `scratch` is shared by all answers of an engine. Throws invalid_request when a sampling option is out of range. */
  constructor(
    request: GenerateRequest,
    tokenizer: Tokenizer,
    promptIds: readonly number[],
    scratch: Scratch,
  ) {
    this.#request = request
    this.#tokenizer = tokenizer
    this.#sampler = createSampler(request.sampling, { topLogprobs: request.topLogprobs, scratch })
    this.#prompt = new Set(promptIds)
    this.#stream = new TextStream(tokenizer, { continues: request.prompt.kind !== 'chat' })
    this.#stops = new StopStrings(request.stop)
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
    if (this.#tokenizer.endIds.has(id) && !this.#request.ignoreEos) {
      const rest = this.end()
      if (rest !== undefined) this.#ready.push(rest)
      return { id, stop: true }
    }
    this.#pending.ids.push(id)
    if (logprobs !== undefined) this.#pending.logprobs?.push(tokenLogprob(id, logprobs, this.#tokenizer))
    const { text, stopped } = this.#stops.push(this.#stream.push(id))
    this.#pending.text += text
    if (text !== '' || stopped) {
      this.#ready.push(this.#pending)
      this.#pending = this.#emptyEvent()
    }
    return { id, stop: stopped }
  }

  /** The last event: what was held back for a whole character or a stop string. Nothing follows it. */
  end(): TextEvent | undefined {
    const { text, stopped } = this.#stops.push(this.#stream.flush())
    this.#pending.text += stopped ? text : text + this.#stops.flush()
    return this.#pending.ids.length > 0 || this.#pending.text !== '' ? this.#pending : undefined
  }

  /** SHA-256 in hex of all logits rows that were sampled from, if the request asked for it. */
  logitsHash(): string | undefined {
    return this.#hash?.hex()
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
