// A turn view shows a kept turn's owner what was asked, and the answer until now as one piece.

import type { GenerationEvent } from '../protocol/generation.ts'
import type { ModelText } from '../answer/model-text.ts'
import { answerTo } from './follow-turn.ts'
import type { TurnView } from '../protocol/lane-reports.ts'
import type { TurnRecord } from '../storage/turn-record.ts'

/** The record as its owner sees it. `text` is that of the model which answered. */
export function turnView(record: TurnRecord, text: ModelText): TurnView {
  const { session, turn, state, createdAt, conversation = [], request, prompt, cachedTokens, end } = record
  const answer = answerTo(record, text)
  const whole: GenerationEvent & { type: 'text' } = { type: 'text', text: '', ids: [] }
  const rest = end?.type === 'finish' && end.reason === 'length' ? [answer.end()] : []
  for (
    let event = answer.take() ?? rest.shift();
    event !== undefined;
    event = answer.take() ?? rest.shift()
  ) {
    whole.text += event.text
    whole.ids.push(...event.ids)
    if (event.reasoning !== undefined) whole.reasoning = (whole.reasoning ?? '') + event.reasoning
    if (event.calls !== undefined) whole.calls = [...(whole.calls ?? []), ...event.calls]
    if (event.logprobs !== undefined) whole.logprobs = [...(whole.logprobs ?? []), ...event.logprobs]
  }
  const { truncatedTokens, ids } = prompt
  const events: GenerationEvent[] = []
  if (cachedTokens !== undefined)
    events.push({ type: 'start', promptTokens: ids.length, cachedTokens, truncatedTokens })
  if (whole.ids.length > 0) events.push(whole)
  if (end !== undefined) events.push(end)
  return { session, turn, reply: request.reply, state, createdAt, conversation, events }
}
