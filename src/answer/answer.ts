// An answer grows from logits to ids, to text, to content, thoughts and calls, within the engine's steps.

import type { AnswerParser, AnswerPiece } from '../chat/answers/parser.ts'
import { PLAIN_RULES, textRules, type AnswerRules } from '../chat/answers/rules.ts'
import { isHeld, type AnswerForm } from '../grammar/answer-form.ts'
import type {
  FinishReason,
  GenerateRequest,
  GrammarSpec,
  TextEvent,
  TokenLogprob,
} from '../protocol/generation.ts'
import { ignoredOf, matcherFor } from './constraint.ts'
import { idHistory, type IdHistory } from './id-history.ts'
import { StopStrings } from './stop-strings.ts'
import type { Choice } from '../engine/turn.ts'
import type { Matcher } from '../grammar/matcher.ts'
import { IsletError } from '../lib/errors.ts'
import { sha256, type Sha256 } from '../lib/sha256.ts'
import type { Scratch } from '../sampling/candidates.ts'
import { createSampler, type Sampler } from '../sampling/sampler.ts'
import { TextStream } from '../tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { PromptScores } from './prompt-scores.ts'
import { tokenLogprob } from './token-logprob.ts'

export type PlacedText = TextEvent & { at: number }

/** What an answer needs to know of its request. */
export type AnswerOptions = Pick<
  GenerateRequest,
  | 'sampling'
  | 'topLogprobs'
  | 'restrictedLogprobs'
  | 'forcedTokens'
  | 'stop'
  | 'ignoreEos'
  | 'hashLogits'
  | 'echo'
  | 'scorePrompt'
  | 'grammar'
  | 'grammarParam'
  | 'close'
>

export class Answer {
  readonly #request: AnswerOptions
  readonly #tokenizer: Tokenizer
  readonly #prompt: ReadonlySet<number>
  readonly #generated = new Map<number, number>()
  /** Where sampling looks at the order of ids. */
  readonly #history: IdHistory | undefined
  /** Mirostat's state behind each number of ids that was chosen or replayed last. */
  readonly #mus: number[] = []
  #count = 0
  readonly #stream: TextStream
  readonly #stops: StopStrings
  readonly #rules: AnswerRules
  readonly #parser: AnswerParser
  readonly #hash: Sha256 | undefined
  readonly #ready: PlacedText[] = []
  /** The echo with its log probabilities, if the request asked for them: an answer without them is not replayed. */
  readonly promptScores: PromptScores | undefined
  /** The place of the next event that is begun. */
  #at: number
  #sampler: Sampler | undefined
  /** The state of its grammar, from where it begins to choose. */
  #matcher: Matcher | undefined
  readonly #continues: boolean
  readonly #replayed: number[] = []
  /** What the next event will carry: ids whose text is still held back, too. */
  #pending: PlacedText
  #called = false
  /** The model ended it, or a stop string did. */
  stopped = false
  /** Its limit of tokens had a part in how it ended: see GenerationEvent. */
  closedEarly = false
  /** Known once it has begun: see GenerationEvent. */
  ignored: readonly string[] = []
  /** One for each id with text, if the request asked for them. */
  readonly logprobs: TokenLogprob[] = []

  /** `continues`: the text goes on from the prompt's, rather than beginning anew. */
  constructor(
    request: AnswerOptions,
    tokenizer: Tokenizer,
    promptIds: readonly number[],
    rules: AnswerRules = PLAIN_RULES,
    continues = true,
  ) {
    this.#request = request
    this.#tokenizer = tokenizer
    this.#prompt = new Set(promptIds)
    this.#continues = continues
    this.#history = idHistory(request.sampling, tokenizer, promptIds)
    // Under a grammar the text is what was asked for: nothing in it is a call or a thought, and no space goes.
    const isConstrained = request.grammar !== undefined || rules.form !== undefined
    this.#rules = isConstrained && rules.form === undefined ? textRules(rules) : rules
    this.#stream = new TextStream(tokenizer, { continues, cleanUp: !isConstrained })
    this.#stops = new StopStrings([...request.stop, ...this.#rules.stops])
    this.#parser = this.#rules.parser()
    this.#hash = request.hashLogits ? sha256() : undefined
    // In front of the answer its reader gets the echo.
    this.promptScores =
      request.scorePrompt === true
        ? new PromptScores(promptIds, tokenizer, request.topLogprobs ?? 0)
        : undefined
    this.#at = this.promptScores?.events ?? (request.echo ? 1 : 0)
    this.#pending = this.#emptyEvent()
  }

  /**
   * Makes ready to choose; `scratch` is shared by all answers of an engine, `limit` is the most tokens of the answer, those
   * that were replayed included. Throws invalid_request when a sampling option is out of range, conflict when what was
   * replayed does not fit the grammar.
   */
  begin(scratch: Scratch, limit = Infinity): void {
    const { sampling, topLogprobs, restrictedLogprobs, close } = this.#request
    const constraint = this.#begun(close === false ? Infinity : limit)
    const logprobs = { topLogprobs, restrictedLogprobs }
    const extras = { ...logprobs, scratch, mu: this.muBehind(this.#count) }
    this.#sampler = createSampler(sampling, { ...extras, ...(constraint && { constraint }) })
  }

  /** The state of the grammar behind what was replayed. */
  #begun(limit: number): Matcher | undefined {
    const { ignoreEos, grammarParam } = this.#request
    const grammar = this.#grammar
    if (grammar === undefined) return undefined
    const options = {
      ends: this.#rules.ends,
      continues: this.#continues,
      limit,
      ignoresEnds: ignoreEos && !this.#endsAnyhow,
    }
    const matcher = (this.#matcher = matcherFor(grammar, this.#tokenizer, options))
    this.ignored = ignoredOf(grammar, grammarParam)
    for (const id of this.#replayed)
      if (!matcher.accept(id))
        throw new IsletError('conflict', 'what was answered before does not fit the grammar: ask anew')
    this.#endIfDone(matcher)
    return matcher
  }

  /** What holds the answer, if anything does. */
  get #grammar(): GrammarSpec | AnswerForm | undefined {
    return this.#rules.form ?? this.#request.grammar
  }

  #endIfDone(matcher: Matcher): void {
    if (!matcher.isDone || this.stopped) return
    this.#stop()
    if (matcher.isCut) this.closedEarly = true
  }

  #stop(): void {
    this.stopped = true
    const rest = this.end()
    if (rest !== undefined) this.#ready.push(rest)
  }

  /** Whether there is a text for the reader. */
  get isReady(): boolean {
    return this.#ready.length > 0
  }

  /** The next text for the reader, or undefined while there is none. */
  take(): PlacedText | undefined {
    return this.promptScores?.take() ?? this.#ready.shift()
  }

  /** Chooses the next id; see engine/turn.ts. */
  choose(logits: Float32Array, position: number): Choice {
    if (this.#sampler === undefined) throw new Error('an answer chooses before it begins')
    this.#hash?.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength))
    const occurrences = { prompt: this.#prompt, generated: this.#generated, history: this.#history?.ids }
    const { id, logprobs, isLate, mu } = this.#sampler.sample(logits, { ...occurrences, position })
    if (isLate === true) this.closedEarly = true
    if (mu !== undefined) this.#mus[this.#count + 1] = mu
    const entry = logprobs && tokenLogprob(id, logprobs, this.#tokenizer)
    if (this.#request.forcedTokens && entry) entry.forced = this.#matcher?.isForced(id) === true
    this.#accept(id, entry)
    if (this.#matcher?.accept(id) === true) this.#endIfDone(this.#matcher)
    return { id, stop: this.stopped }
  }

  /** The stop string of the request that ended it, if one did. */
  get stopString(): string | undefined {
    const { found } = this.#stops
    return found !== undefined && this.#request.stop.includes(found) ? found : undefined
  }

  /** Takes ids that were chosen before, with their log probabilities if there were any, and Mirostat's state behind them. */
  replay(ids: readonly number[], logprobs: readonly TokenLogprob[], mu?: number): void {
    ids.forEach((id, i) => this.#accept(id, logprobs[i]))
    if (mu !== undefined) this.#mus[this.#count] = mu
    if (this.#grammar !== undefined) this.#replayed.push(...ids)
  }

  /** Mirostat's state, in bits, behind so many ids of the answer; undefined where it was not this answer that chose them. */
  muBehind(ids: number): number | undefined {
    return this.#mus[ids]
  }

  #accept(id: number, logprob: TokenLogprob | undefined): void {
    this.#count++
    this.#history?.add(id)
    this.#generated.set(id, (this.#generated.get(id) ?? 0) + 1)
    const isEnd = this.#tokenizer.endIds.has(id) || this.#rules.ends.has(id)
    if (isEnd && (!this.#request.ignoreEos || this.#endsAnyhow)) {
      this.#stop()
      return
    }
    this.#pending.ids.push(id)
    if (logprob !== undefined) {
      this.logprobs.push(logprob)
      this.#pending.logprobs?.push(logprob)
    }
    const printed = this.#stream.push(id) + (this.#rules.marks.get(id) ?? '')
    const { text, stopped } =
      this.#parser.isInCall === true
        ? { text: this.#stops.flush() + printed, stopped: false }
        : this.#stops.push(printed)
    const pieces = this.#parser.push(text)
    if (stopped) pieces.push(...this.#parser.end())
    this.#add(pieces)
    if (pieces.length > 0 || stopped) {
      this.#ready.push(this.#pending)
      this.#pending = this.#emptyEvent()
    }
    this.stopped = stopped
  }

  /** No free text is left that could go on behind an end. */
  get #endsAnyhow(): boolean {
    const { form } = this.#rules
    return form === undefined ? this.#request.grammar !== undefined : isHeld(form)
  }

  /** The last event: what was held back for a whole character or a stop string. Nothing follows it. */
  end(): PlacedText | undefined {
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

  #emptyEvent(): PlacedText {
    return {
      type: 'text',
      at: this.#at++,
      text: '',
      ids: [],
      ...(this.#request.topLogprobs !== undefined && { logprobs: [] }),
    }
  }
}
