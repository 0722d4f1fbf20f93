// A turn view shows a kept turn's owner what was asked, and the answer until now in few pieces.

import type { GenerationEvent, TextEvent } from '../protocol/generation.ts'
import type { ModelText } from '../answer/model-text.ts'
import { answerTo } from './follow-turn.ts'
import type { TurnView } from '../protocol/lane-reports.ts'
import { joinTexts } from '../protocol/text-order.ts'
import type { TurnRecord } from '../storage/turn-record.ts'

/** The record as its owner sees it. `text` is that of the model which answered. */
export function turnView(record: TurnRecord, text: ModelText): TurnView {
  const { session, turn, state, createdAt, conversation = [], request, prompt, cachedTokens, end } = record
  const answer = answerTo(record, text)
  const rest = end?.type === 'finish' && end.reason === 'length' ? [answer.end()] : []
  const texts: TextEvent[] = []
  for (let event = answer.take() ?? rest.shift(); event !== undefined; event = answer.take() ?? rest.shift())
    texts.push(event)
  const { truncatedTokens, ids } = prompt
  const events: GenerationEvent[] = []
  if (cachedTokens !== undefined)
    events.push({ type: 'start', promptTokens: ids.length, cachedTokens, truncatedTokens })
  if (texts.some((text) => text.ids.length > 0)) events.push(...joinTexts(texts, 'scored'))
  if (end !== undefined) events.push(end)
  return { session, turn, reply: request.reply, state, createdAt, conversation, events }
}
