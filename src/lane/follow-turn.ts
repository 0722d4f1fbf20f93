// A followed turn gives its events from the first on, and goes on where an engine fails under it.

import type { GenerateRequest, GenerationEvent } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import { Answer } from '../answer/answer.ts'
import type { ModelText } from '../answer/model-text.ts'
import { prepareSliced, rulesFor, type Prompt } from '../answer/prepare-prompt.ts'
import { inTurns } from '../lib/sliced.ts'
import { isStored, lacksLogprobs, type TurnRecord } from '../storage/turn-record.ts'
import { Reader } from './reader.ts'
import type { TurnHost } from './turn-host.ts'
import { runTurn } from './turn-run.ts'

/** Engines that a turn may see fail before it is given up: it may be what makes them fail. */
export const MOST_ENGINES = 2

/**
 * Text and prompt of a request, checked; undefined after an abort. A long prompt gives the host its turn
 * between slices. Throws IsletError.
 */
export async function prepare(
  request: GenerateRequest,
  host: TurnHost,
  signal: AbortSignal,
): Promise<{ text: ModelText; prompt: Prompt; echo: string | undefined } | undefined> {
  const text = await host.text()
  const { tokenizer } = text
  const work = prepareSliced(request, text, host.limits(text))
  const prompt = await inTurns(work, () => host.clock.wait(0), signal)
  if (prompt === undefined) return undefined
  checkModel(request, text)
  // An echo with log probabilities is made of the prompt's tokens, as they are scored.
  const echo = request.prompt.kind === 'text' ? request.prompt.text : tokenizer.decode(prompt.ids)
  return { text, prompt, echo: request.echo && request.scorePrompt !== true ? echo : undefined }
}

/** Throws model_not_found where a request means another model. */
export function checkModel({ model }: Pick<GenerateRequest, 'model'>, { manifest }: ModelText): void {
  if (model.toLowerCase() === manifest.id.toLowerCase()) return
  throw new IsletError('model_not_found', `the model ${model} is not served here, ${manifest.id} is`, {
    param: 'model',
  })
}

/**
 * Events of a turn from its first on, whatever of it was computed before: `session` if it is stored, progress
 * while it waits, `start`, progress through a long prompt, text, `finish`. The record is kept up to date as
 * it goes. Throws IsletError. To stop, abort `signal` or `return()`: the engine's turn is closed, its pages
 * stay as cache. `background`: nobody waits for it.
 */
export async function* follow(
  record: TurnRecord,
  text: ModelText,
  host: TurnHost,
  signal: AbortSignal,
  background = false,
): AsyncGenerator<GenerationEvent> {
  if (isStored(record)) {
    const { session, turn, request } = record
    yield { type: 'session', session, turn, reply: request.reply }
  }
  const reader = new Reader()
  for (let engines = 1; ; engines++) {
    // A hash, or log probabilities, cover all rows from the first: these are computed again.
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
    const loaded = yield* host.untilLoaded(signal)
    if (loaded === undefined) return
    host.settle(record, text)
    try {
      yield* runTurn({ record, text, host, signal, reader, answer, loaded, background })
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
  answer.closedEarly = record.closedEarly === true
  return answer
}

/** What a reader is told of an engine that failed. */
export function engineFailure(cause: unknown): IsletError {
  if (cause instanceof IsletError) return cause
  const facts = { cause: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause) }
  return new IsletError(
    'engine_failure',
    'the engine failed during this request; it is rebuilt for the next',
    { cause, facts },
  )
}
