// This file renders a checkpoint's chat template (Jinja) with messages to the text of a prompt.

import { Template } from '@huggingface/jinja'
import type { ChatMessage } from '../protocol/generation.ts'
import { IsletError } from '../lib/errors.ts'

export type RenderOptions = {
  tools?: unknown[]
  /** End with the beginning of the assistant's turn; true unless said otherwise. */
  addGenerationPrompt?: boolean
  bosToken?: string
  eosToken?: string
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>
}

/**
 * The text of a prompt. Throws invalid_request (messages) where the template refuses the messages,
 * unsupported_format where the template itself cannot be read.
 */
export function renderPrompt(
  source: string,
  messages: readonly ChatMessage[],
  options: RenderOptions = {},
): string {
  const template = compile(source)
  const { tools, bosToken, eosToken, addGenerationPrompt = true, variables } = options
  try {
    return template.render({
      ...variables,
      messages,
      // Absent is null, not undefined: templates ask `tools is not none` as well as `if tools`.
      tools: tools === undefined || tools.length === 0 ? null : tools,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      ...(bosToken === undefined ? {} : { bos_token: bosToken }),
      ...(eosToken === undefined ? {} : { eos_token: eosToken }),
    })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError(
      'invalid_request',
      `the chat template refuses these messages: ${reason.slice(0, 500)}`,
      {
        param: 'messages',
        cause,
      },
    )
  }
}

/**
 * Templates print the arguments of earlier calls as JSON themselves, so they want the object and not its
 * text.
 */
export function withArguments(message: ChatMessage): ChatMessage {
  if (message.tool_calls === undefined) return message
  return { ...message, tool_calls: message.tool_calls.map(withParsed) }
}

function withParsed(call: unknown): unknown {
  const { function: called } = (call ?? {}) as { function?: { arguments?: unknown } }
  if (typeof called?.arguments !== 'string') return call
  try {
    const value: unknown = JSON.parse(called.arguments)
    if (typeof value === 'object' && value !== null)
      return { ...(call as object), function: { ...called, arguments: value } }
  } catch {
    // Not JSON: the template gets the text that there is.
  }
  return call
}

/** Parsing costs a millisecond or two; an isolate has one model, the CLI a few. */
const compiled = new Map<string, Template>()
const MAX_COMPILED = 8

function compile(source: string): Template {
  const known = compiled.get(source)
  if (known !== undefined) return known
  try {
    const template = new Template(source)
    if (compiled.size >= MAX_COMPILED) compiled.clear()
    compiled.set(source, template)
    return template
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError('unsupported_format', `the chat template cannot be read: ${reason.slice(0, 500)}`, {
      cause,
    })
  }
}
