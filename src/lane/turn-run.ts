// A turn run pulls one turn through one engine: a pull takes ready text, or runs a step for all turns.

import type { WindowOptions } from '../cache/window.ts'
import type { FinishReason, GenerationEvent } from '../protocol/generation.ts'
import type { Turn, TurnOptions } from '../engine/turn.ts'
import type { Answer } from '../answer/answer.ts'
import type { ModelText } from '../answer/model-text.ts'
import type { Loaded } from './isolate.ts'
import { withMemory } from './memory-events.ts'
import type { Reader } from './reader.ts'
import { NO_TEXT, type Among } from './among.ts'
import { finishOf } from './finish-of.ts'
import { HOLD_MS, MOST_HOLDS } from './first-tokens.ts'
import { PROGRESS_MS, type TurnHost } from './turn-host.ts'
import { errorCode, IsletError } from '../lib/errors.ts'
import type { Choice } from '../storage/turn-record.ts'
import { whatRuns } from './what-runs.ts'

/** How often a reader looks while others have all the pages. */
export const QUEUED_MS = 5

/**
 * Tokens in a row that may come without text (a character in pieces, a held stop) before the host gets its
 * turn.
 */
const SILENT_STEPS = 4

/** What the host's kernels are told when the request's CPU time is nearly used up. */
export const CPU_LIMIT = 24

/** What is told where log probabilities are not there yet: those of a part would pass for those of all. */
export function cpuLimit(advice: string): IsletError {
  return new IsletError(
    'overloaded',
    `the platform stopped this request for its time on the processor: ${advice}`,
  )
}

/** One answer on one engine. */
export type TurnRun = {
  record: Choice
  text: ModelText
  host: TurnHost
  signal: AbortSignal
  reader: Reader
  answer: Answer
  loaded: Loaded
  /** Nobody waits for it. */
  background: boolean
  /** Where it is one of several. */
  among?: Among
  /** Positions of the prompt that were there before others were run ahead of this. */
  cached?: number
}

/** Makes the answer ready to choose; gives the most tokens that it may have, as its request says. */
export function beginAnswer({ record, text, answer, loaded, among }: TurnRun): number {
  // A window has no end of its own: without a number an answer ends at the trained context.
  const maxTokens = record.request.maxTokens ?? text.manifest.spec.context
  const room = loaded.engine.maxPositions - record.prompt.ids.length
  if (among?.hasBegun !== true) answer.begin(loaded.scratch, Math.min(maxTokens, room))
  if (among !== undefined) among.hasBegun = true
  return maxTokens
}

/**
 * Opens the engine's turn and gives its events, from progress in the queue to `finish`; the record is kept up
 * to date as it goes. Whoever stops reading closes the turn. Throws what made the turn or the engine fail.
 */
export async function* runTurn(context: TurnRun): AsyncGenerator<GenerationEvent> {
  const { record, host, signal, reader, answer, loaded, background, among } = context
  const { engine, model } = loaded
  const { request, prompt, generated } = record
  const maxTokens = beginAnswer(context)
  const length = prompt.ids.length + generated.length
  const isFull = generated.length >= maxTokens || length >= engine.maxPositions
  // Of one of several answers the first to its prompt may have heard all that is scored.
  const scores = answer.promptScores?.isGiven === true ? undefined : answer.promptScores
  const isOver = answer.stopped || isFull
  const over = answer.stopped ? 'stop' : 'length'
  if (isOver && scores === undefined) {
    yield* reader.start(record)
    yield* reader.take(answer)
    yield* finish(context, over, model.window)
    return
  }
  if (among !== undefined && generated.length > 0) {
    // What is there waits for no pages.
    yield* reader.start(record)
    yield* reader.take(answer)
  }
  const turn = yield* opened(context, {
    ...whatRuns(record, host.vault, background),
    maxTokens: isOver ? 1 : maxTokens,
    choose(logits, position) {
      scores?.complete()
      among?.heard?.(logits, position)
      // The turn ends with the logits of the prompt's last row: the id that it then has is never run.
      return isOver ? { id: prompt.ids[0], stop: true } : answer.choose(logits, position)
    },
    ...(scores && { score: (logits, position) => scores.hear(logits, position) }),
    ...(among && { aside: among.aside, kin: among.kin }),
  })
  if (turn === undefined) return
  if (among !== undefined) among.turn = turn
  const note = (): void => {
    if (isOver) return
    for (let i = record.generated.length; i < turn.produced; i++)
      record.generated.push(turn.ids[turn.promptTokens + i])
    noteState(record, answer)
  }
  try {
    yield* untilAdmitted(turn, context)
    if (signal.aborted) return
    if (turn.state === 'failed') throw turn.error
    turn.cachedTokens = context.cached ?? turn.cachedTokens
    record.cachedTokens ??= turn.cachedTokens ?? 0
    yield* reader.start(record)
    const events = answering(turn, context, note)
    const isTold = request.memory === true && !background && among === undefined
    const stopped = yield* isTold ? withMemory(events, turn, loaded) : events
    note()
    if (signal.aborted) return
    if (stopped && scores?.isTaken === false) throw cpuLimit('send a shorter prompt')
    if (stopped) yield finishOf(record, answer, 'length', model.window, true)
    else yield* finish(context, isOver ? over : (turn.reason ?? 'stop'), model.window)
  } finally {
    note()
    engine.close(turn)
  }
}

/** Puts down what an answer knows besides its ids. */
export function noteState(choice: Choice, answer: Answer): void {
  choice.logprobs = answer.logprobs
  if (answer.closedEarly) choice.closedEarly = true
  const ids = choice.generated.length
  const bits = answer.muBehind(ids)
  if (bits !== undefined) choice.mu = { ids, bits }
}

/**
 * Opens the engine's turn. A lane has accepted it, so it waits here where the engine's own queue is full.
 * Undefined after an abort.
 */
async function* opened(
  context: TurnRun,
  options: TurnOptions,
): AsyncGenerator<GenerationEvent, Turn | undefined> {
  const { record, loaded, signal } = context
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    try {
      return loaded.engine.open(options)
    } catch (error) {
      if (errorCode(error) !== 'overloaded') throw error
    }
    if (isFirst) yield { type: 'progress', state: 'queued', done: 0, total: record.prompt.ids.length }
    await look(context)
    if (context.among !== undefined) yield NO_TEXT
  }
  return undefined
}

async function* untilAdmitted(turn: Turn, context: TurnRun): AsyncGenerator<GenerationEvent> {
  if (turn.state === 'waiting') yield { type: 'progress', state: 'queued', done: 0, total: turn.promptTokens }
  // Between two looks it may have been admitted, run as far ahead as it may, and sent back: then it waits for
  // its reader.
  const isQueued = (): boolean => turn.state === 'waiting' && turn.cachedTokens === undefined
  while (isQueued() && !context.signal.aborted) {
    await look(context)
    if (context.among !== undefined) yield NO_TEXT
  }
}

/**
 * Waits a little. Those in front may have readers that are slow: where nobody else of the lane runs a step,
 * one lets them pass or sends them back. Such a step would go before new requests too.
 */
async function look(context: TurnRun): Promise<void> {
  await giveWay(context)
  const { engine, pacer } = context.loaded
  const { vault } = context.host
  const { last } = pacer
  await pacer.restTogether(QUEUED_MS, vault)
  if (pacer.hasStepped(last, vault)) return
  const ran = engine.step(vault)
  pacer.stepped(typeof ran === 'number' ? ran : await ran, vault)
}

/**
 * Takes what is ready, else runs a step for everyone. Handing out an event gives the host its turn; a rest is
 * for where none comes: it costs a millisecond and more. True when the platform's limit on CPU time is near.
 */
async function* answering(
  turn: Turn,
  context: TurnRun,
  note: () => void,
): AsyncGenerator<GenerationEvent, boolean> {
  const { answer, reader, record, loaded, host, signal, background, among } = context
  const { engine, model, pacer, first } = loaded
  const { clock } = host
  let shownAt = clock.now()
  let idle = false
  let silent = SILENT_STEPS // the first rest flushes the headers
  let hasStepped = false
  if (!background && first.isShared(clock.now())) {
    // Each rest is as long as what others' streams do meanwhile: a short prompt is run before it.
    silent = 0
    pacer.begin()
  }
  while (!signal.aborted) {
    const held = first.isAnybodyNew ? await giveWay(context) : 0
    if (signal.aborted) return false
    // Whoever ran the step: this turn, another, or one that was begun ahead.
    if (turn.produced > record.generated.length) note()
    const event = reader.next(answer)
    if (event !== undefined) {
      first.end(signal)
      turn.taken = Math.min(turn.produced, turn.taken + event.ids.length)
      silent = 0
      hasStepped = false
      // A generator and a promise for each token of a lone tenant would be megabytes of garbage.
      if (background || among !== undefined || !first.isShared(clock.now())) {
        // What is sent to other isolates leaves in a turn of the host, which steps of other turns give it too.
        if (engine.stepAhead(host.vault) && engine.load.running === 1) await clock.wait(0)
        yield event
      } else yield* handOut(event, context, held)
      continue
    }
    turn.taken = turn.produced
    if (turn.state === 'failed') throw turn.error
    if (turn.state === 'done') return false
    if (among !== undefined && hasStepped) {
      hasStepped = false
      yield NO_TEXT
      continue
    }
    if (model.signal.value === CPU_LIMIT) {
      model.signal.clear()
      return true
    }
    if (turn.produced === 0 && clock.now() - shownAt >= PROGRESS_MS) {
      shownAt = clock.now()
      yield { type: 'progress', state: 'prefill', done: turn.sequence?.length ?? 0, total: turn.promptTokens }
    }
    if (turn.produced === 0 && hasStepped && !idle && among === undefined && engine.isHeard) {
      if ((await pacer.letRead()) || signal.aborted || turn.produced > turn.taken) continue
    }
    if (idle || silent === SILENT_STEPS || (turn.produced === 0 && pacer.isDue)) {
      const { last } = pacer
      await pacer.restTogether(idle ? QUEUED_MS : 0, host.vault)
      silent = 0
      if (signal.aborted || turn.produced > turn.taken) continue
      hasStepped = idle && pacer.hasStepped(last, host.vault)
      if (hasStepped) continue
    }
    const stepped = engine.step(host.vault)
    const ran = typeof stepped === 'number' ? stepped : await stepped
    pacer.stepped(ran, host.vault)
    hasStepped = true
    if (turn.produced > 0) silent += 1
    idle = ran === 0 || turn.state === 'waiting'
  }
  return false
}

/**
 * Leaves the thread to requests of others that are new, a few times at most. `held`: how often it did so
 * already; gives how often then.
 */
export async function giveWay(
  {
    record,
    loaded,
    signal,
    host,
  }: Pick<TurnRun, 'loaded' | 'signal' | 'host'> & {
    record: { request: { tenant: string } }
  },
  held = 0,
): Promise<number> {
  const { engine, pacer, first } = loaded
  const isAsked = (): boolean =>
    !signal.aborted && first.goFirst(signal, record.request.tenant, (other) => engine.served(other))
  let holds = held
  for (; holds < MOST_HOLDS && isAsked(); holds++) await pacer.restTogether(HOLD_MS, host.vault)
  return holds
}

/** Gives the event to the reader as soon as it may go, beside those of other tenants. */
export async function* handOut(
  event: GenerationEvent,
  context: Parameters<typeof giveWay>[0],
  held = 0,
): AsyncGenerator<GenerationEvent> {
  const { record, host } = context
  if (host.handOuts === undefined) {
    yield event
    return
  }
  const isBack = await host.handOuts.begin(record.request.tenant)
  try {
    await giveWay(context, held) // somebody may have come meanwhile
    yield event
  } finally {
    isBack()
  }
}

function* finish(
  { record, answer, reader }: TurnRun,
  reason: FinishReason,
  window: WindowOptions,
): Generator<GenerationEvent> {
  const end = finishOf(record, answer, reason, window)
  record.end = end
  yield* reader.rest(record, answer)
  yield end
}
