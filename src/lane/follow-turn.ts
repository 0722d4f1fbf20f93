// A followed turn gives its events from the first on, and goes on where an engine fails under it.

import type { GenerateRequest, GenerationEvent } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'
import { Answer } from '../answer/answer.ts'
import type { ModelText } from '../answer/model-text.ts'
import { prepareSliced, rulesFor } from '../answer/prepare-prompt.ts'
import { inTurns } from '../lib/sliced.ts'
import { choicesOf, isOver, isStored, lacksMu, lacksOwnLogprobs } from '../storage/turn-record.ts'
import type { Choice, Prompted, Prompts, TurnRecord } from '../storage/turn-record.ts'
import { AnswerLine, putAll, toldInTurns } from './answer-line.ts'
import { runChoices } from './choices-run.ts'
import { engineFailure, Patience } from './patience.ts'
import type { TurnHost, Waiting } from './turn-host.ts'
import { runTurn } from './turn-run.ts'
import { whatRuns } from './what-runs.ts'

/**
 * Text and prompts of a request, checked; undefined after an abort. A long prompt gives the host its turn
 * between slices. Throws IsletError.
 */
export async function prepare(
  request: GenerateRequest,
  host: TurnHost,
  signal: AbortSignal,
): Promise<(Prompts & { text: ModelText }) | undefined> {
  const text = await host.text()
  const { tokenizer } = text
  const all: Prompted[] = []
  for (const asked of [request.prompt, ...(request.morePrompts ?? [])]) {
    const work = prepareSliced({ ...request, prompt: asked }, text, host.limits(text))
    const prompt = await inTurns(work, () => host.clock.wait(0), signal)
    if (prompt === undefined) return undefined
    checkModel(request, text)
    // An echo with log probabilities is made of the prompt's tokens, as they are scored.
    const echo = asked.kind === 'text' ? asked.text : tokenizer.decode(prompt.ids)
    all.push({ prompt, echo: request.echo && request.scorePrompt !== true ? echo : undefined })
  }
  const [first, ...more] = all
  return { text, ...first, ...(more.length > 0 && { more }) }
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
  const choices = choicesOf(record)
  const lines = choices.map((_, at) => new AnswerLine(at))
  const patience = new Patience()
  for (;;) {
    if (!isOver(record)) choices.filter((_, at) => !lines[at].isOver).forEach(forgetIfRowsLack)
    const answers = choices.map((choice) => answerTo(choice, text))
    if (isOver(record)) {
      yield* toldOver(record, lines, answers)
      return
    }
    // Of what is scored every row yields something, and several answers see to their prompts themselves.
    const isPlain = answers.length === 1 && answers[0].promptScores === undefined
    const ahead = () => {
      host.settle(record, text)
      return whatRuns(record, host.vault, background)
    }
    const waiting: Waiting = { ahead }
    const loaded = yield* host.untilLoaded(signal, isPlain ? waiting : undefined)
    if (loaded === undefined) return
    host.settle(record, text)
    try {
      const context = { record, text, host, signal, loaded, background }
      if (lines.length > 1) yield* runChoices({ ...context, lines, answers })
      else yield* runTurn({ ...context, reader: lines[0].reader, answer: answers[0], cached: waiting.cached })
      return
    } catch (error) {
      const { failure } = loaded.engine
      if (failure === undefined) throw error
      if (patience.isOver(failure)) throw engineFailure(error)
      host.rebuild()
    }
  }
}

/** A hash, or log probabilities, cover all rows from the first: these are computed again. */
function forgetIfRowsLack(choice: Choice): void {
  // Mirostat follows from rows of logits, as hashes and log probabilities do.
  if (!choice.request.hashLogits && !lacksOwnLogprobs(choice) && !lacksMu(choice)) return
  choice.generated = []
  choice.end = undefined
}

/** Events of a turn of which nothing is to be computed. */
async function* toldOver(
  record: TurnRecord,
  lines: readonly AnswerLine[],
  answers: readonly Answer[],
): AsyncGenerator<GenerationEvent> {
  const choices = choicesOf(record)
  const failed = record.end?.type === 'error' ? record.end : undefined
  // One that failed before it began has told nothing of its answers.
  const begun = failed === undefined || record.cachedTokens !== undefined ? lines : []
  for (const line of begun) if (!line.isOver) putAll(line, choices[line.at], answers[line.at])
  yield* toldInTurns(record, begun, async function* () {})
  if (failed !== undefined) yield failed
}

/** The text of an answer so far, ready to be taken or gone on with. */
export function answerTo(record: Choice, text: ModelText): Answer {
  const { request, prompt } = record
  const answer = new Answer(
    request,
    text.tokenizer,
    prompt.ids,
    rulesFor(prompt, text),
    prompt.kind !== 'chat',
  )
  const { generated, logprobs, mu } = record
  answer.replay(generated, logprobs, mu?.ids === generated.length ? mu.bits : undefined)
  answer.closedEarly = record.closedEarly === true
  return answer
}
