// ChatGLM3-6B puts a role token before each message and lists functions in the system message. The model
// answers with calls in Python.

import { entriesOf, isJsonObject, readJson } from '../../lib/json-value.ts'
import { callsOf, functionsOf, oneCallAtATime, refuseMessages } from '../conversation.ts'
import type { EarlierCall, TextMessage } from '../conversation.ts'
import type { ChatPart } from '../parts.ts'
import { pythonJson, pythonLiteral } from '../python-text.ts'
import { glmText } from './chatglm-rounds.ts'
import type { Format } from './format.ts'

/** What the model was trained to read before its functions. */
const TOOLS_SYSTEM =
  'Answer the following questions as best as you can. You have access to the following tools:'

/** The mark between the messages of one answer: text first, then a call. */
export const ASSISTANT = '<|assistant|>'

export const chatglm3: Format = {
  layout(messages, { tools, opening }) {
    const parts = oneCallAtATime(withTools(messages, tools)).flatMap(messageParts)
    return {
      head: [{ token: '[gMASK]' }, { token: 'sop' }, ...parts],
      rounds: [],
      tail: opening ? [{ token: ASSISTANT }] : [],
    }
  },
  text: glmText,
  tools: true,
  ends: ['<|user|>', '<|observation|>'],
  marks: [ASSISTANT],
}

function withTools(messages: readonly TextMessage[], tools: readonly unknown[]): TextMessage[] {
  if (tools.length === 0) return [...messages]
  const list = pythonJson(functionsOf(tools), 4)
  const [first, ...rest] = messages
  return first?.role === 'system'
    ? [{ ...first, content: `${first.content}\n${list}` }, ...rest]
    : [{ role: 'system', content: `${TOOLS_SYSTEM}\n${list}` }, ...messages]
}

function messageParts(message: TextMessage): ChatPart[] {
  const { role, content } = message
  if (role === 'tool') return oneMessage('<|observation|>', '', content)
  if (role !== 'assistant') return oneMessage(`<|${role}|>`, '', content)
  const calls = callsOf(message)
  const said =
    content === '' && calls.length > 0 ? [] : oneMessage(ASSISTANT, message.metadata ?? '', content)
  return [...said, ...calls.flatMap((call) => oneMessage(ASSISTANT, call.name, callText(call)))]
}

/** The line behind the role, with its break, and the content are encoded apart. */
function oneMessage(token: string, metadata: string, content: string): ChatPart[] {
  return [{ token }, `${metadata}\n`, content]
}

function callText(call: EarlierCall): string {
  const given = typeof call.arguments === 'string' ? parsed(call.arguments) : call.arguments
  if (!isJsonObject(given))
    throw refuseMessages(`needs an object as the arguments of the call of ${call.name}`)
  const list = entriesOf(given).map(([key, value]) => `${key}=${pythonLiteral(value)}`)
  return ` \`\`\`python\ntool_call(${list.join(', ')})\n\`\`\``
}

function parsed(text: string): unknown {
  try {
    return readJson(text)
  } catch {
    return undefined
  }
}
