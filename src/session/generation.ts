// A request from words to events. Its reader's pull is what makes the engine step, for all turns at once.

import { outOfSight } from '../cache/window.ts'
import type { GenerateRequest, GenerationEvent } from '../engine/events.ts'
import type { Turn } from '../engine/turn.ts'
import { IsletError } from '../lib/errors.ts'
import { Answer } from './answer.ts'
import type { ModelText } from './asset-source.ts'
import type { Loaded } from './isolate.ts'
import type { Clock } from './pacer.ts'
import { preparePrompt, type PromptLimits } from './prompt.ts'

/** The place a generation runs in. */
export type Host = {
  clock: Clock
  /** Words come first, so that a bad request fails before the weights are there. */
  text(): Promise<ModelText>
  limits(text: ModelText): PromptLimits
  /** Undefined while loading; throws why it cannot be loaded. */
  loaded(): Loaded | undefined
  progress(): { done: number; total: number }
  /** Waits for the load's end, that long at most. */
  loadWait(ms: number): Promise<void>
}

/** Progress through a prompt is told this often at most: it keeps a connection alive, and each event is garbage later. */
const PROGRESS_MS = 500

/** How often a reader looks while weights stream in, and while others have all the pages. */
const LOADING_MS = 5
const QUEUED_MS = 5

/** Tokens in a row that may come without text (a character in pieces, a held stop) before the host gets its turn. */
const SILENT_STEPS = 4

/**
 * Events of one request: progress while it waits, `start`, progress through a long prompt, text, `finish`.
 * Throws IsletError. To cancel, abort `signal` or `return()`: the turn is closed, its pages stay as cache.
 */
export async function* generate(
  request: GenerateRequest,
  host: Host,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const text = await host.text()
  const prompt = preparePrompt(request, text, host.limits(text))
  const { manifest, tokenizer } = text
  if (request.model.toLowerCase() !== manifest.id.toLowerCase()) {
    throw new IsletError(
      'model_not_found',
      `the model ${request.model} is not served here, ${manifest.id} is`,
      { param: 'model' },
    )
  }
  const loaded = yield* untilLoaded(host, signal)
  if (loaded === undefined) return
  const { engine } = loaded
  const answer = new Answer(request, tokenizer, prompt.ids, loaded.scratch, prompt.rules)
  const turn = engine.open({
    tenant: request.tenant,
    prompt: prompt.ids,
    // A window has no end of its own: without a number an answer ends at the trained context.
    maxTokens: request.maxTokens ?? manifest.spec.context,
    choose: (logits, position) => answer.choose(logits, position),
  })
  try {
    yield* untilAdmitted(turn, loaded, signal)
    if (signal.aborted) return
    if (turn.state === 'failed') throw engineFailure(turn.error)
    yield {
      type: 'start',
      promptTokens: prompt.ids.length,
      cachedTokens: turn.cachedTokens ?? 0,
      truncatedTokens: prompt.truncatedTokens,
    }
    if (request.echo) yield echo(request, tokenizer.decode(prompt.ids))
    yield* answering(turn, answer, loaded, host.clock, signal)
    if (signal.aborted) return
    const rest = turn.reason === 'length' ? answer.end() : undefined
    if (rest !== undefined) yield rest
    yield finishOf(turn, answer, loaded)
  } finally {
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
  { engine, pacer }: Loaded,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  if (turn.state === 'waiting') yield { type: 'progress', state: 'queued', done: 0, total: turn.promptTokens }
  while (turn.state === 'waiting' && !signal.aborted) {
    await pacer.rest(QUEUED_MS)
    // Those in front may have readers that are slow: a step lets them pass or sends them back.
    if (turn.state === 'waiting') engine.step()
  }
}

/**
 * Takes what is ready, else runs a step for everyone. Handing out an event gives the host its turn; a rest is for where none comes: it
 * costs a millisecond and more.
 */
async function* answering(
  turn: Turn,
  answer: Answer,
  { engine, pacer }: Loaded,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  let shownAt = clock.now()
  let idle = false
  let silent = SILENT_STEPS // the first rest flushes the headers
  while (!signal.aborted) {
    const event = answer.take()
    if (event !== undefined) {
      turn.taken += event.ids.length
      silent = 0
      yield event
      continue
    }
    turn.taken = turn.produced
    if (turn.state === 'failed') throw engineFailure(turn.error)
    if (turn.state === 'done') return
    if (idle || silent === SILENT_STEPS || (turn.produced === 0 && pacer.isDue)) {
      await pacer.rest(idle ? QUEUED_MS : 0)
      silent = 0
      if (signal.aborted || turn.produced > turn.taken) continue
    }
    const ran = engine.step()
    pacer.stepped(ran)
    if (turn.produced > 0) silent += 1
    idle = ran === 0 || turn.state === 'waiting'
    if (turn.produced === 0 && clock.now() - shownAt >= PROGRESS_MS) {
      shownAt = clock.now()
      yield { type: 'progress', state: 'prefill', done: turn.sequence?.length ?? 0, total: turn.promptTokens }
    }
  }
}

function echo(request: GenerateRequest, decoded: string): GenerationEvent {
  return { type: 'text', text: request.prompt.kind === 'text' ? request.prompt.text : decoded, ids: [] }
}

function finishOf(turn: Turn, answer: Answer, { model }: Loaded): GenerationEvent {
  const logitsHash = answer.logitsHash()
  return {
    type: 'finish',
    reason: answer.finishReason(turn.reason ?? 'stop'),
    usage: {
      promptTokens: turn.promptTokens,
      cachedTokens: turn.cachedTokens ?? 0,
      completionTokens: turn.produced,
    },
    // The last id was chosen, not run: the query that chose it stood one position before.
    window: {
      window: model.window.window,
      sinks: model.window.sinks,
      outOfSight: outOfSight(turn.ids.length - 2, model.window),
    },
    ...(logitsHash !== undefined && { logitsHash }),
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
