// The first Qwen-7B-Chat uses ChatML whose pieces are encoded apart, and is told of functions by ReAct.

import { callsOf, oneCallAtATime, refuseMessages } from '../conversation.ts'
import type { Exchange, TextMessage } from '../conversation.ts'
import type { ChatPart } from '../parts.ts'
import { pythonJson, pythonStripEnd } from '../python-text.ts'
import type { Format } from './format.ts'
import { FUNCTION_CALLING, REACT_EXAMPLE, reactInstruction, type ReactStyle } from './react.ts'

const START: ChatPart = { token: '<|im_start|>' }
const END: ChatPart = { token: '<|im_end|>' }
const DEFAULT_SYSTEM = 'You are a helpful assistant.'

export const qwen1 = qwenFormat(FUNCTION_CALLING)
export const qwen1React = qwenFormat(REACT_EXAMPLE)

function qwenFormat(style: ReactStyle): Format {
  return {
    layout(messages, { tools, opening }) {
      const instruction = tools.length === 0 ? '' : reactInstruction(tools, style)
      const { system, exchanges } = readMessages(messages, instruction)
      const last = exchanges[exchanges.length - 1]
      // An answer that was begun is continued as one text; anything else is encoded piece by piece.
      const continues = last.assistant !== undefined && opening
      const piece = continues ? joined : apart
      const rounds = exchanges.map(({ user, assistant }): ChatPart[] => [
        ...['\n', ...piece('user', user)],
        ...(assistant === undefined ? [] : ['\n', ...piece('assistant', assistant)]),
      ])
      const tail = last.assistant === undefined || continues ? (rounds.pop() ?? []) : []
      if (continues) tail.pop()
      else if (opening) tail.push('\n', START, 'assistant', '\n')
      return { head: piece('system', system), rounds, tail }
    },
    /** The question and the mark of the answer come on top of the window. */
    fit({ head, rounds, tail }, { maxLength }) {
      let taken: number[] = []
      for (const round of rounds.toReversed()) {
        if (head.length + round.length + taken.length >= maxLength) break
        taken = [...round, ...taken]
      }
      return [...head, ...taken, ...tail]
    },
    defaults: { maxLength: 6144 },
    tools: true,
    ends: ['<|im_end|>', '<|im_start|>', '<|endoftext|>'],
    toolStops: ['Observation:'],
  }
}

function apart(role: string, content: string): ChatPart[] {
  return [START, role, '\n', content, END]
}

function joined(role: string, content: string): ChatPart[] {
  return [START, `${role}\n${content}`, END]
}

/** Calls and their results become Thought, Action and Observation inside the answers of the assistant. */
function readMessages(
  messages: readonly TextMessage[],
  instruction: string,
): { system: string; exchanges: Exchange[] } {
  const hasSystem = messages[0]?.role === 'system'
  const system = hasSystem ? trimmed(messages[0].content) : DEFAULT_SYSTEM
  const turns = hasSystem ? messages.slice(1) : messages
  const react = instruction !== '' || turns.some(({ role, tool_calls }) => role === 'tool' || tool_calls)
  const exchanges = react ? reactExchanges(oneCallAtATime(turns), instruction !== '') : plainExchanges(turns)
  // Functions are told of before the newest question that is answered, or else before the open one.
  if (instruction !== '') {
    const answered = exchanges.findLast(({ assistant }) => assistant !== undefined)
    const told = answered ?? exchanges[exchanges.length - 1]
    told.user = `${instruction}\n\nQuestion: ${told.user}`
  }
  return { system, exchanges }
}

function plainExchanges(turns: readonly TextMessage[]): Exchange[] {
  const exchanges: Exchange[] = []
  for (const { role, content } of turns) {
    if (role === 'user') addQuestion(exchanges, content)
    else if (role === 'assistant') addAnswer(exchanges, content)
    else throw refuseMessages(`takes one system message, as the first; there is another role ${role}`)
  }
  return checked(exchanges)
}

function reactExchanges(turns: readonly TextMessage[], offered: boolean): Exchange[] {
  const exchanges: Exchange[] = []
  turns.forEach((message, index) => {
    const content = trimmed(message.content)
    if (message.role === 'user') addQuestion(exchanges, content)
    else if (message.role === 'assistant') addAnswer(exchanges, answerText(message, content, offered))
    else if (message.role === 'tool') {
      const open = exchanges.at(-1)
      if (open?.assistant === undefined)
        throw refuseMessages('needs a message of the assistant before each of a tool')
      open.assistant += `\nObservation: ${content}`
      if (index === turns.length - 1) open.assistant += '\nThought:'
    } else
      throw refuseMessages(`takes one system message, as the first; there is another role ${message.role}`)
  })
  for (const exchange of exchanges) {
    if (exchange.assistant !== undefined) exchange.assistant = trimmed(exchange.assistant)
  }
  return checked(exchanges)
}

function answerText(message: TextMessage, content: string, offered: boolean): string {
  const [call] = callsOf(message)
  if (call === undefined)
    return offered ? `Thought: I now know the final answer.\nFinal Answer: ${content}` : content
  const thought = content.startsWith('Thought:') ? content : `Thought: ${content}`
  const input = typeof call.arguments === 'string' ? call.arguments : pythonJson(call.arguments)
  return trimmed(`${thought}\nAction: ${call.name}\nAction Input: ${input}`)
}

function addQuestion(exchanges: Exchange[], user: string): void {
  if (exchanges.length > 0 && exchanges[exchanges.length - 1].assistant === undefined)
    throw refuseMessages('needs an answer between two messages of the user')
  exchanges.push({ user })
}

function addAnswer(exchanges: Exchange[], content: string): void {
  const open = exchanges.at(-1)
  if (open === undefined) throw refuseMessages('needs a message of the user before any answer')
  open.assistant = open.assistant === undefined ? content : `${open.assistant}\n${content}`
}

function checked(exchanges: Exchange[]): Exchange[] {
  if (exchanges.length > 0) return exchanges
  throw refuseMessages('needs a message of the user')
}

/** Line breaks in front and white space behind go, as in Qwen's own server. */
function trimmed(text: string): string {
  return pythonStripEnd(text.replace(/^\n+/, ''))
}
