// ChatGLM-6B and ChatGLM2-6B write the conversation as one text with numbered rounds.

import { exchangesOf, type Exchange } from '../conversation.ts'
import type { ChatPart } from '../parts.ts'
import type { Format } from './format.ts'

/** ChatGLM2 and 3 begin every text so. */
export const glmText = (text: string): ChatPart[] => [{ token: '[gMASK]' }, { token: 'sop' }, text]

export const chatglm1: Format = {
  layout(messages, { opening }) {
    const exchanges = exchangesOf(messages, opening)
    // A first question stands alone, without any round.
    const bare = exchanges.length === 1 && exchanges[0].assistant === undefined
    const text = bare ? exchanges[0].user : roundsText(exchanges, { first: 0, gap: '\n', opening })
    return { head: toContinue(text), rounds: [], tail: [] }
  },
  text: toContinue,
  gap: (before, after) => [before, { token: '[MASK]' }, after, { token: '<sop>' }],
  tools: false,
  ends: ['<eop>'],
}

export const chatglm2: Format = {
  layout(messages, { opening }) {
    const text = roundsText(exchangesOf(messages, opening), { first: 1, gap: '\n\n', opening })
    return { head: glmText(text), rounds: [], tail: [] }
  },
  text: glmText,
  tools: false,
  ends: [],
}

/** GLM continues a text behind [gMASK], and fills [MASK] within it. */
function toContinue(text: string): ChatPart[] {
  return [text, { token: '[gMASK]' }, { token: '<sop>' }]
}

type RoundStyle = { first: number; gap: string; opening: boolean }

function roundsText(exchanges: readonly Exchange[], { first, gap, opening }: RoundStyle): string {
  return exchanges
    .map(({ user, assistant }, index) => {
      const question = `[Round ${index + first}]${gap}问：${user}${gap}`
      if (assistant !== undefined) return `${question}答：${assistant}${gap}`
      return opening ? `${question}答：` : question
    })
    .join('')
}
