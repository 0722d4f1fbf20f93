// An answer line holds the events of one of several answers until it is their turn to be told.

import type { Answer } from '../answer/answer.ts'
import type { EndEvent, FinishEvent, GenerationEvent, StartEvent, TextEvent } from '../protocol/generation.ts'
import { choicesOf, type Choice, type TurnRecord } from '../storage/turn-record.ts'
import { Reader } from './reader.ts'

/** What an answer is made of. */
export type LineEvent = StartEvent | TextEvent | FinishEvent

/** It outlives an engine that fails: what was told, or is ready to be, does not come again. */
export class AnswerLine {
  readonly at: number
  readonly reader = new Reader()
  readonly #ready: LineEvent[] = []
  /** Events that were told. */
  told = 0
  /** Nothing more gets ready. */
  isOver = false

  constructor(at: number) {
    this.at = at
  }

  get isReady(): boolean {
    return this.#ready.length > 0
  }

  put(events: Iterable<GenerationEvent>): void {
    for (const event of events) this.#ready.push(event as LineEvent)
  }

  take(): LineEvent | undefined {
    const event = this.#ready.shift()
    if (event !== undefined) this.told += 1
    return event
  }
}

/** Gets all events of an answer ready, which has ended or is not gone on with. */
export function putAll(line: AnswerLine, choice: Choice, answer: Answer): void {
  line.isOver = true
  line.put(line.reader.start(choice))
  line.put(line.reader.take(answer))
  line.put(line.reader.rest(choice, answer))
  if (choice.end?.type === 'finish') line.put([choice.end])
}

/**
 * Tells answers in turns: the first event of each, then the second of each, and so on, without those that are told. The order
 * follows from the answers alone, so it is the same whenever a turn is read. `more` sees to it that a line is ready or
 * over, and gives what is told beside; where it does not, nobody reads any more.
 */
export async function* toldInTurns(
  record: TurnRecord,
  lines: readonly AnswerLine[],
  more: (line: AnswerLine) => AsyncGenerator<GenerationEvent>,
): AsyncGenerator<GenerationEvent> {
  for (;;) {
    const left = lines.filter((line) => line.isReady || !line.isOver)
    if (left.length === 0) return
    const line = left.reduce((first, other) => (other.told < first.told ? other : first))
    if (!line.isReady) yield* more(line)
    const event = line.take()
    if (event !== undefined) yield toldOf(record, line.at, event, left.length === 1)
    else if (!line.isOver) return
  }
}

/** An event as it is told of the answer `at`; the end of the `last` one is that of all. */
function toldOf(record: TurnRecord, at: number, event: LineEvent, last: boolean): GenerationEvent {
  const choice = at > 0 && { choice: at }
  const isCounted = at % (record.request.choices ?? 1) === 0
  if (event.type === 'start' && !isCounted)
    return { ...event, ...choice, cachedTokens: 0, truncatedTokens: 0 }
  if (event.type !== 'finish') return { ...event, ...choice }
  return last ? finishOfAll(record, at, event) : endOf(at, event.reason)
}

export function endOf(at: number, reason: EndEvent['reason']): EndEvent {
  return { type: 'end', ...(at > 0 && { choice: at }), reason }
}

/** The end of all answers, `last` that of the one that is told last. */
export function finishOfAll(record: TurnRecord, at: number, last: FinishEvent): FinishEvent {
  const choices = choicesOf(record)
  if (choices.length === 1) return last
  const each = record.request.choices ?? 1
  const prompts = choices.filter((_, i) => i % each === 0)
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
  const ends = choices.flatMap(({ end }) => (end?.type === 'finish' ? [end] : []))
  const outOfSight = Math.max(last.window.outOfSight, ...ends.map(({ window }) => window.outOfSight))
  const logitsHash = ends[0]?.logitsHash
  return {
    type: 'finish',
    ...(at > 0 && { choice: at }),
    reason: last.reason,
    usage: {
      promptTokens: sum(prompts.map(({ prompt }) => prompt.ids.length)),
      cachedTokens: sum(prompts.map(({ cachedTokens }) => cachedTokens ?? 0)),
      completionTokens: sum(choices.map(({ generated }) => generated.length)),
    },
    window: { ...last.window, outOfSight },
    ...(logitsHash !== undefined && { logitsHash }),
    ...(last.stopped && { stopped: last.stopped }),
    ...(choices.some(({ closedEarly }) => closedEarly) && { closedEarly: true as const }),
    ...(last.ignored && { ignored: last.ignored }),
  }
}
