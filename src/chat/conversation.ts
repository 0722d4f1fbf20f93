// The built-in formats check a conversation here: its order, its calls, and what the format cannot say.
// Refusals say what is wrong.

import { IsletError } from '../lib/errors.ts'
import { fieldOf, isJsonObject, type JsonObject } from '../lib/json-value.ts'

/** What the built-in formats know of a message; their original code takes texts alone. */
export type TextMessage = {
  role: string
  content: string
  /** What ChatGLM3 writes behind the role: the name of a tool. */
  metadata?: string
  tool_calls?: readonly unknown[]
  tool_call_id?: string
}

/** A function as clients offer it, out of OpenAI's wrapper `{ type: 'function', function }`. */
export type ToolFunction = JsonObject

/** A call of an earlier answer: arguments as the JSON text that the model gave, or already as an object. */
export type EarlierCall = { id: string | undefined; name: string; arguments: unknown }

/** A pair of what the user said and what was answered; the last question has no answer yet. */
export type Exchange = { user: string; assistant?: string }

export function refuseMessages(says: string): IsletError {
  return new IsletError('invalid_request', `this model's chat format ${says}`, { param: 'messages' })
}

/** Functions out of their wrappers; entries that are no objects are refused. */
export function functionsOf(tools: readonly unknown[]): ToolFunction[] {
  return tools.map((tool, index) => {
    if (!isJsonObject(tool)) {
      throw new IsletError('invalid_request', `tools[${index}] is not an object`, { param: 'tools' })
    }
    const inner = fieldOf(tool, 'function')
    return fieldOf(tool, 'type') === 'function' && isJsonObject(inner) ? inner : tool
  })
}

/** The calls of an assistant's message; throws invalid_request for one without a name. */
export function callsOf(message: TextMessage): EarlierCall[] {
  return (message.tool_calls ?? []).map((call) => {
    const outer = isJsonObject(call) ? call : {}
    const called = fieldOf(outer, 'function')
    const inner = isJsonObject(called) ? called : outer
    const [id, name] = [fieldOf(outer, 'id'), fieldOf(inner, 'name')]
    if (typeof name !== 'string')
      throw refuseMessages('needs a name in every tool call of an assistant message')
    return {
      id: typeof id === 'string' ? id : undefined,
      name,
      arguments: fieldOf(inner, 'arguments') ?? {},
    }
  })
}

/**
 * One call a message, each followed by its own result, for formats that know no parallel calls. Results are
 * matched by `tool_call_id`; those without one are taken in order, those of no call come last.
 */
export function oneCallAtATime(messages: readonly TextMessage[]): TextMessage[] {
  const out: TextMessage[] = []
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]
    const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : []
    if (calls.length < 2) {
      out.push(message)
      continue
    }
    const results = new ToolResults()
    while (messages[i + 1]?.role === 'tool') results.add(messages[++i])
    calls.forEach((call, index) => {
      out.push({ ...message, content: index === 0 ? message.content : '', tool_calls: [call] })
      const own = results.take(isJsonObject(call) ? fieldOf(call, 'id') : undefined)
      if (own !== undefined) out.push(own)
    })
    for (const result of results.rest()) out.push(result)
  }
  return out
}

/**
 * Results in their order, each given out once: by the call's id, those without one to whichever call comes
 * first.
 */
class ToolResults {
  readonly #all: (TextMessage | undefined)[] = []
  readonly #byId = new Map<unknown, number[]>() // indices from the last to the first, once they are asked for
  #turned = false

  add(message: TextMessage): void {
    const same = this.#byId.get(message.tool_call_id)
    if (same === undefined) this.#byId.set(message.tool_call_id, [this.#all.length])
    else same.push(this.#all.length)
    this.#all.push(message)
  }

  take(id: unknown): TextMessage | undefined {
    if (!this.#turned) for (const indices of this.#byId.values()) indices.reverse()
    this.#turned = true
    const [anyones, own] = [this.#byId.get(undefined), this.#byId.get(id)]
    const first = (anyones?.at(-1) ?? Infinity) < (own?.at(-1) ?? Infinity) ? anyones : own
    const index = first?.pop()
    if (index === undefined) return undefined
    const message = this.#all[index]
    this.#all[index] = undefined
    return message
  }

  rest(): TextMessage[] {
    return this.#all.filter((message) => message !== undefined)
  }
}

/** Strict turns of user and assistant, the user's last, for formats without any other role. */
export function exchangesOf(messages: readonly TextMessage[], endsWithUser: boolean): Exchange[] {
  const exchanges: Exchange[] = []
  messages.forEach((message, index) => {
    plainMessage(message)
    const expected = index % 2 === 0 ? 'user' : 'assistant'
    if (message.role !== expected) {
      throw refuseMessages(
        `takes turns of user and assistant, the user first: messages[${index}] is of ${message.role}`,
      )
    }
    const last = exchanges.at(-1)
    if (expected === 'user') exchanges.push({ user: message.content })
    else if (last !== undefined) last.assistant = message.content
  })
  if (exchanges.length === 0) throw refuseMessages('needs a message of the user')
  if (endsWithUser && exchanges.at(-1)?.assistant !== undefined)
    throw refuseMessages('needs the last message to be of the user')
  return exchanges
}

/** Refuses what a format without tools would have to drop in silence. */
export function plainMessage(message: TextMessage): void {
  if (message.role === 'tool' || (message.tool_calls?.length ?? 0) > 0)
    throw refuseMessages('has no tool calls and no tool messages')
  if (message.role === 'system')
    throw refuseMessages('has no system message here: put its text into the first message of the user')
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
