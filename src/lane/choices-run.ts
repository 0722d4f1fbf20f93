// A choices run pulls several answers to one request through one engine, on one prefill of each prompt.

import type { Answer } from '../answer/answer.ts'
import type { PromptScores } from '../answer/prompt-scores.ts'
import type { FinishEvent, GenerationEvent } from '../protocol/generation.ts'
import { choicesOf, type TurnRecord } from '../storage/turn-record.ts'
import { NO_TEXT, type Among } from './among.ts'
import { endOf, finishOfAll, putAll, toldInTurns, type AnswerLine } from './answer-line.ts'
import { beginAnswer, cpuLimit, handOut, noteState, runTurn, type TurnRun } from './turn-run.ts'

/** What is the same for all answers, and what each has. */
export type ChoicesRun = Omit<TurnRun, 'record' | 'reader' | 'answer' | 'among'> & {
  record: TurnRecord
  lines: readonly AnswerLine[]
  answers: readonly Answer[]
}

/** Each answer may be pulled so often for one event before the host gets its turn. */
const ROUNDS = 2

type Run = TurnRun & { among: Among }

/** An answer that goes on; `before` is the number of its ids when it did. */
type Runner = { line: AnswerLine; run: Run; events: AsyncGenerator<GenerationEvent>; before: number }

/**
 * Events of several answers, in the order that toldInTurns says, up to the `finish` of the last. The first answer to a prompt
 * computes it, all of them take their first ids of the same logits, and then the others fork its pages. Each has the bits
 * that it has alone. Where pages do not suffice, those that have none wait, as turns do, and what the others say meanwhile is
 * kept until it is their turn. Throws what made one of them or the engine fail.
 */
export async function* runChoices(context: ChoicesRun): AsyncGenerator<GenerationEvent> {
  const { record, lines, answers, background, loaded, host } = context
  for (const [at, choice] of choicesOf(record).entries())
    if (choice.end !== undefined && !lines[at].isOver) putAll(lines[at], choice, answers[at])
  const runners = new Runners(context)
  try {
    for await (const event of toldInTurns(record, lines, (line) => runners.more(line))) {
      if (event.type !== 'text' || background || !loaded.first.isShared(host.clock.now())) yield event
      else yield* handOut(event, context)
    }
    if (runners.stopped === undefined) return
    if (record.request.scorePrompt === true) throw cpuLimit('send fewer prompts or answers')
    yield* toldOfStop(record, lines, runners.stopped)
  } finally {
    await runners.close()
  }
}

/** The ends of answers that the platform stopped: what is ready of them is told when they are read on. */
function* toldOfStop(
  record: TurnRecord,
  lines: readonly AnswerLine[],
  stopped: FinishEvent,
): Generator<GenerationEvent> {
  const places = lines.filter((line) => line.isReady || !line.isOver).map(({ at }) => at)
  const last = places.pop() ?? 0
  for (const at of places) yield endOf(at, stopped.reason)
  yield finishOfAll(record, last, stopped)
}

class Runners {
  readonly #context: ChoicesRun
  readonly #each: number
  readonly #runs: readonly Run[]
  readonly #all: readonly Runner[]
  /** The place of the answer that was pulled last. */
  #last = -1
  /** The end of one whose time on the processor is over, and with it that of all. */
  stopped: FinishEvent | undefined

  constructor(context: ChoicesRun) {
    this.#context = context
    const { record, lines, answers, ...shared } = context
    this.#each = record.request.choices ?? 1
    this.#runs = choicesOf(record).map((choice, at) => ({
      ...shared,
      record: choice,
      reader: lines[at].reader,
      answer: answers[at],
      among: this.#among(at),
    }))
    this.#all = this.#runs.flatMap((run, at) =>
      lines[at].isOver
        ? []
        : [{ line: lines[at], run, events: runTurn(run), before: run.record.generated.length }],
    )
  }

  /** Pulls answers, a step at most each time, until this one is ready or over. Gives progress. */
  async *more(wanted: AnswerLine): AsyncGenerator<GenerationEvent> {
    const { signal, loaded, host } = this.#context
    for (
      let pulls = 1;
      !wanted.isReady && !wanted.isOver && this.stopped === undefined && !signal.aborted;
      pulls++
    ) {
      // While nothing is handed out the host has no turn.
      if (pulls > ROUNDS * this.#all.length && loaded.pacer.isDue)
        await loaded.pacer.restTogether(0, host.vault)
      const runner = this.#next()
      this.#last = runner.line.at
      const result: IteratorResult<GenerationEvent, unknown> = await runner.events.next()
      if (result.done === true) runner.line.isOver = true
      else if (result.value === NO_TEXT) continue
      else if (result.value.type === 'progress') yield result.value
      else if (result.value.type === 'finish' && result.value.stopped !== undefined)
        this.stopped = result.value
      else await this.#put(runner, result.value)
    }
  }

  /** Ends what is open. */
  async close(): Promise<void> {
    for (const { events } of this.#all) await events.return(undefined)
  }

  async #put({ line, events }: Runner, event: GenerationEvent): Promise<void> {
    line.put([event])
    // All begin with the first: to begin, the others need no pages.
    if (event.type === 'start' && line.at === 0)
      for (const { line: other, run } of this.#all) other.put(run.reader.start(run.record))
    if (event.type !== 'finish') return
    line.isOver = true
    await events.return(undefined)
  }

  /** Whose turn it is of those that can go on, or else of those that wait for pages. */
  #next(): Runner {
    const open = this.#all.filter((runner) => !runner.line.isOver && this.#mayBegin(runner))
    const able = open.filter(
      ({ run: { answer, among } }) => answer.isReady || among.turn?.state !== 'waiting',
    )
    const some = able.length > 0 ? able : open
    return some.find(({ line }) => line.at > this.#last) ?? some[0]
  }

  /** The first answer begins, then those to the other prompts; behind the next token of each the rest, which fork its pages. */
  #mayBegin(runner: Runner): boolean {
    const prompt = this.#promptOf(runner)
    const leader = this.#all.find((other) => this.#promptOf(other) === prompt) ?? runner
    if (runner === leader) return prompt === 0 || this.#context.record.cachedTokens !== undefined
    return leader.line.isOver || leader.run.record.generated.length > leader.before
  }

  #promptOf({ line }: Runner): number {
    return Math.floor(line.at / this.#each)
  }

  #among(at: number): Among {
    const first = at - (at % this.#each)
    const kin = choicesOf(this.#context.record)[first].prompt
    if (first < at) return { aside: true, kin }
    return {
      aside: at > 0,
      kin,
      heard: (logits, position) => {
        const { promptScores } = this.#context.answers[at]
        for (const run of this.#runs.slice(at + 1, at + this.#each))
          takeFirst(run, promptScores, logits, position)
      },
    }
  }
}

/** An answer takes its first id of the logits that are behind the prompt, and what was scored of that. */
function takeFirst(run: Run, scores: PromptScores | undefined, logits: Float32Array, position: number): void {
  const { record, answer } = run
  const { prompt, generated, end, request } = record
  if (position > prompt.ids.length || generated.length > 0 || end !== undefined) return
  if (scores !== undefined) answer.promptScores?.copy(scores)
  if (request.maxTokens === 0) return
  beginAnswer(run)
  generated.push(answer.choose(logits, position).id)
  noteState(record, answer)
}
