// The text order says in what order the parts of one text event stand, and joins events without losing it.

import type { CallPiece, TextEvent } from './generation.ts'

/**
 * The pieces of calls in an event: those of a call that is open stand before its thoughts and text, those of calls that
 * open in it behind them.
 */
export function callPieces({ calls = [] }: TextEvent): { continuing: CallPiece[]; opened: CallPiece[] } {
  const first = calls.findIndex(({ name }) => name !== undefined)
  const count = first < 0 ? calls.length : first
  return { continuing: calls.slice(0, count), opened: calls.slice(count) }
}

/**
 * The same answer in as few events as its order allows: one, unless text or thoughts stand behind a call, or thoughts
 * behind text. The events have no place. `scored`: log probabilities of text stay apart from those of thoughts and calls.
 */
export function joinTexts(events: Iterable<TextEvent>, scored?: 'scored'): TextEvent[] {
  const joined: TextEvent[] = []
  for (const event of events) {
    const last = joined.at(-1)
    const whole: TextEvent =
      last !== undefined && goesOn(last, event) && !(scored && isOther(last, event))
        ? last
        : { type: 'text', text: '', ids: [] }
    if (whole !== last) joined.push(whole)
    whole.text += event.text
    whole.ids.push(...event.ids)
    if (event.reasoning !== undefined) whole.reasoning = (whole.reasoning ?? '') + event.reasoning
    if (event.calls !== undefined) (whole.calls ??= []).push(...event.calls)
    if (event.logprobs !== undefined) (whole.logprobs ??= []).push(...event.logprobs)
  }
  return joined
}

/** Whether an event's parts stand behind another's when both are one. */
function goesOn(last: TextEvent, event: TextEvent): boolean {
  const thinks = (event.reasoning ?? '') !== ''
  const says = event.text !== ''
  if (!thinks && !says) return true
  return (last.calls ?? []).length === 0 && !(thinks && last.text !== '')
}

/** Whether an event's log probabilities are of something else than another's. */
function isOther(last: TextEvent, event: TextEvent): boolean {
  return event.logprobs !== undefined && kindOf(event) !== kindOf(last)
}

/** What an event's tokens count as: text beside anything else. */
function kindOf({ text, reasoning = '', calls = [] }: TextEvent): 'text' | 'call' | 'thought' | 'nothing' {
  if (text !== '') return 'text'
  if (calls.length > 0) return 'call'
  return reasoning === '' ? 'nothing' : 'thought'
}
