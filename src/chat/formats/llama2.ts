// Llama-2-chat writes [INST] question [/INST] answer, and puts each pair between BOS and EOS.

import { exchangesOf, refuseMessages, type TextMessage } from '../conversation.ts'
import type { ChatPart } from '../parts.ts'
import { pythonStrip } from '../python-text.ts'
import type { Format } from './format.ts'

/**
 * The marks are plain text, so no token tells a forged one from a real one: the original refuses them in
 * messages.
 */
const MARKS = ['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>']

export const llama2: Format = {
  layout(messages, { opening }) {
    messages.forEach(({ content }, index) => {
      const mark = MARKS.find((each) => content.includes(each))
      if (mark !== undefined) throw refuseMessages(`allows no ${mark} inside a message: messages[${index}]`)
    })
    const exchanges = exchangesOf(withSystemInside(messages), opening)
    return {
      head: [],
      rounds: exchanges.map(({ user, assistant }): ChatPart[] => {
        const question = `[INST] ${pythonStrip(user)} [/INST]`
        return assistant === undefined
          ? [{ special: 'bos' }, question]
          : [{ special: 'bos' }, `${question} ${pythonStrip(assistant)} `, { special: 'eos' }]
      }),
      tail: [],
    }
  },
  tools: false,
  ends: [],
}

/** The system text opens the first message of the user. */
function withSystemInside(messages: readonly TextMessage[]): readonly TextMessage[] {
  const [system, first, ...rest] = messages
  if (system?.role !== 'system' || first === undefined) return messages
  return [{ ...first, content: `<<SYS>>\n${system.content}\n<</SYS>>\n\n${first.content}` }, ...rest]
}
