// A turn from its record to events. Its reader's pull is what makes the engine step, for all turns at once.

import { outOfSight, type WindowOptions } from '../cache/window.ts'
import type { FinishReason, GenerateRequest, GenerationEvent } from '../protocol/generation.ts'
import type { Turn } from '../engine/turn.ts'
import type { Vault } from '../engine/vault.ts'
import { IsletError } from '../lib/errors.ts'
import { Answer } from '../answer/answer.ts'
import type { ModelText } from '../answer/model-text.ts'
import type { Loaded } from './isolate.ts'
import type { Clock } from './pacer.ts'
import { preparePrompt, rulesFor, type Prompt, type PromptLimits } from '../answer/prepare-prompt.ts'
import { isStored, lacksLogprobs, type TurnRecord } from '../storage/turn-record.ts'

/** The place a generation runs in. */
export type Host = {
  clock: Clock
  /** Words come first, so that a bad request fails before the weights are there. */
  text(): Promise<ModelText>
  limits(text: ModelText): PromptLimits
  /** Undefined while loading, or when the engine failed and is on its way again; throws why it cannot be loaded. */
  loaded(): Loaded | undefined
  /** The model is there: throws conflict where it is not the record's. */
  settle(record: TurnRecord, text: ModelText): void
  progress(): { done: number; total: number }
  /** Waits for the load's end, that long at most. */
  loadWait(ms: number): Promise<void>
  /** The engine failed under a turn: sees to it that another is made. */
  rebuild(): void
  /** Storage of the lane, for the pages of stored turns. */
  vault: Vault | undefined
}

/** Progress through a prompt is told this often at most: it keeps a connection alive, and each event is garbage later. */
const PROGRESS_MS = 500

/** How often a reader looks while weights stream in, and while others have all the pages. */
const LOADING_MS = 5
const QUEUED_MS = 5

/** Tokens in a row that may come without text (a character in pieces, a held stop) before the host gets its turn. */
const SILENT_STEPS = 4

/** Engines that a turn may see fail before it is given up: it may be what makes them fail. */
const MOST_ENGINES = 2

/** What the host's kernels are told when the request's CPU time is nearly used up. */
const CPU_LIMIT = 24

/** Text and prompt of a request, checked. Throws IsletError. */
export async function prepare(
  request: GenerateRequest,
  host: Host,
): Promise<{ text: ModelText; prompt: Prompt; echo: string | undefined }> {
  const text = await host.text()
  const { manifest, tokenizer } = text
  const prompt = preparePrompt(request, text, host.limits(text))
  if (request.model.toLowerCase() !== manifest.id.toLowerCase()) {
    throw new IsletError(
      'model_not_found',
      `the model ${request.model} is not served here, ${manifest.id} is`,
      { param: 'model' },
    )
  }
  const echo = request.prompt.kind === 'text' ? request.prompt.text : tokenizer.decode(prompt.ids)
  return { text, prompt, echo: request.echo ? echo : undefined }
}

/**
 * Events of a turn from its first on, whatever of it was computed before: `session` if it is stored, progress while it waits, `start`,
 * progress through a long prompt, text, `finish`. The record is kept up to date as it goes. Throws IsletError. To stop, abort `signal` or
 * `return()`: the engine's turn is closed, its pages stay as cache.
 */
export async function* follow(
  record: TurnRecord,
  text: ModelText,
  host: Host,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  if (isStored(record)) {
    const { session, turn, request } = record
    yield { type: 'session', session, turn, reply: request.reply }
  }
  const reader = new Reader()
  for (let engines = 1; ; engines++) {
    // A hash covers all rows from the first: they are computed again.
    const lacksRows = record.request.hashLogits || lacksLogprobs(record)
    if (lacksRows && record.end === undefined) record.generated = []
    const answer = answerTo(record, text)
    if (record.end !== undefined) {
      yield* reader.start(record)
      yield* reader.take(answer)
      yield* reader.rest(record, answer)
      yield record.end
      return
    }
    const loaded = yield* untilLoaded(host, signal)
    if (loaded === undefined) return
    host.settle(record, text)
    try {
      yield* run({ record, text, host, signal, reader, answer, loaded })
      return
    } catch (error) {
      const failed = loaded.engine.failure !== undefined
      if (!failed || engines === MOST_ENGINES) throw failed ? engineFailure(error) : error
      host.rebuild()
    }
  }
}

/** The text of a record so far, ready to be taken or gone on with. */
export function answerTo(record: TurnRecord, text: ModelText): Answer {
  const { request, prompt } = record
  const answer = new Answer(
    request,
    text.tokenizer,
    prompt.ids,
    rulesFor(prompt, text),
    prompt.kind !== 'chat',
  )
  answer.replay(record.generated, record.logprobs)
  return answer
}

/** What one reader was given: an answer that begins anew, on another engine, goes on behind it. */
class Reader {
  #started = false
  #taken = 0
  #skip = 0

  /** The next text that the reader has not seen. */
  next(answer: Answer): (GenerationEvent & { type: 'text' }) | undefined {
    for (;;) {
      const event = answer.take()
      if (event === undefined) return undefined
      if (this.#skip > 0) {
        this.#skip -= 1
        continue
      }
      this.#taken += 1
      return event
    }
  }

  *start(record: TurnRecord): Generator<GenerationEvent> {
    this.#skip = this.#taken
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

  *take(answer: Answer): Generator<GenerationEvent> {
    for (let event = this.next(answer); event !== undefined; event = this.next(answer)) yield event
  }

  /** What was held back when the answer was cut short. */
  *rest(record: TurnRecord, answer: Answer): Generator<GenerationEvent> {
    const rest = record.end?.type === 'finish' && record.end.reason === 'length' ? answer.end() : undefined
    if (rest !== undefined) yield rest
  }
}

type Run = {
  record: TurnRecord
  text: ModelText
  host: Host
  signal: AbortSignal
  reader: Reader
  answer: Answer
  loaded: Loaded
}

async function* run(context: Run): AsyncGenerator<GenerationEvent> {
  const { record, text, host, signal, reader, answer, loaded } = context
  const { engine, model } = loaded
  const { request, prompt, generated } = record
  // A window has no end of its own: without a number an answer ends at the trained context.
  const maxTokens = request.maxTokens ?? text.manifest.spec.context
  const length = prompt.ids.length + generated.length
  const isFull = generated.length >= maxTokens || length >= engine.maxPositions
  if (answer.stopped || isFull) {
    yield* reader.start(record)
    yield* reader.take(answer)
    yield* finish(context, answer.stopped ? 'stop' : 'length', model.window)
    return
  }
  answer.begin(loaded.scratch)
  const turn = engine.open({
    tenant: request.tenant,
    prompt: prompt.ids,
    generated,
    maxTokens,
    choose: (logits, position) => answer.choose(logits, position),
    owner: host.vault,
    ...(isStored(record) && { vault: host.vault, session: record.session }),
  })
  const note = (): void => {
    for (let i = record.generated.length; i < turn.produced; i++)
      record.generated.push(turn.ids[turn.promptTokens + i])
    record.logprobs = answer.logprobs
  }
  try {
    yield* untilAdmitted(turn, context)
    if (signal.aborted) return
    if (turn.state === 'failed') throw turn.error
    record.cachedTokens ??= turn.cachedTokens ?? 0
    yield* reader.start(record)
    const stopped = yield* answering(turn, context, note)
    note()
    if (signal.aborted) return
    if (stopped) yield finishOf(record, answer, 'length', model.window, true)
    else yield* finish(context, turn.reason ?? 'stop', model.window)
  } finally {
    note()
    engine.close(turn)
  }
}

async function* untilLoaded(
  host: Host,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent, Loaded | undefined> {
  let shownAt = -Infinity
  while (!signal.aborted) {
    const loaded = host.loaded()
    if (loaded !== undefined) return loaded
    if (host.clock.now() - shownAt >= PROGRESS_MS) {
      shownAt = host.clock.now()
      yield { type: 'progress', state: 'loading', ...host.progress() }
    }
    await host.loadWait(LOADING_MS)
  }
  return undefined
}

async function* untilAdmitted(
  turn: Turn,
  { loaded: { engine, pacer }, signal, host }: Run,
): AsyncGenerator<GenerationEvent> {
  if (turn.state === 'waiting') yield { type: 'progress', state: 'queued', done: 0, total: turn.promptTokens }
  // Between two looks it may have been admitted, run as far ahead as it may, and sent back: then it waits for its reader.
  const isQueued = (): boolean => turn.state === 'waiting' && turn.cachedTokens === undefined
  while (isQueued() && !signal.aborted) {
    await pacer.rest(QUEUED_MS)
    // Those in front may have readers that are slow: a step lets them pass or sends them back.
    if (isQueued()) engine.step(host.vault)
  }
}

/**
 * Takes what is ready, else runs a step for everyone. Handing out an event gives the host its turn; a rest is for where none comes: it
 * costs a millisecond and more. True when the platform's limit on CPU time is near.
 */
async function* answering(
  turn: Turn,
  { answer, reader, loaded, host, signal }: Run,
  note: () => void,
): AsyncGenerator<GenerationEvent, boolean> {
  const { engine, model, pacer } = loaded
  const { clock } = host
  let shownAt = clock.now()
  let idle = false
  let silent = SILENT_STEPS // the first rest flushes the headers
  while (!signal.aborted) {
    const event = reader.next(answer)
    if (event !== undefined) {
      turn.taken = Math.min(turn.produced, turn.taken + event.ids.length)
      silent = 0
      yield event
      continue
    }
    turn.taken = turn.produced
    if (turn.state === 'failed') throw turn.error
    if (turn.state === 'done') return false
    if (model.signal === CPU_LIMIT) {
      model.clearSignal()
      return true
    }
    if (idle || silent === SILENT_STEPS || (turn.produced === 0 && pacer.isDue)) {
      await pacer.rest(idle ? QUEUED_MS : 0)
      silent = 0
      if (signal.aborted || turn.produced > turn.taken) continue
    }
    const ran = engine.step(host.vault)
    pacer.stepped(ran)
    note()
    if (turn.produced > 0) silent += 1
    idle = ran === 0 || turn.state === 'waiting'
    if (turn.produced === 0 && clock.now() - shownAt >= PROGRESS_MS) {
      shownAt = clock.now()
      yield { type: 'progress', state: 'prefill', done: turn.sequence?.length ?? 0, total: turn.promptTokens }
    }
  }
  return false
}

function* finish(
  { record, answer, reader }: Run,
  reason: FinishReason,
  window: WindowOptions,
): Generator<GenerationEvent> {
  const end = finishOf(record, answer, reason, window)
  record.end = end
  yield* reader.rest(record, answer)
  yield end
}

function finishOf(
  record: TurnRecord,
  answer: Answer,
  reason: FinishReason,
  options: WindowOptions,
  stopped = false,
): GenerationEvent & { type: 'finish' } {
  const logitsHash = answer.logitsHash()
  const promptTokens = record.prompt.ids.length
  const completionTokens = record.generated.length
  return {
    type: 'finish',
    reason: answer.finishReason(reason),
    usage: { promptTokens, cachedTokens: record.cachedTokens ?? 0, completionTokens },
    // The last id was chosen, not run: the query that chose it stood one position before.
    window: {
      window: options.window,
      sinks: options.sinks,
      outOfSight: outOfSight(Math.max(0, promptTokens + completionTokens - 2), options),
    },
    ...(logitsHash !== undefined && { logitsHash }),
    ...(stopped && { stopped: 'cpu_limit' as const }),
  }
}

function engineFailure(cause: unknown): IsletError {
  if (cause instanceof IsletError) return cause
  const facts = { cause: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause) }
  return new IsletError(
    'engine_failure',
    'the engine failed during this request; it is rebuilt for the next',
    { cause, facts },
  )
}
