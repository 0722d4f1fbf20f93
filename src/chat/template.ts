// This file renders a checkpoint's chat template (Jinja) with messages to the text of a prompt.

import { IsletError } from '../lib/errors.ts'
import type { JsonObject } from '../lib/json-value.ts'
import { Program } from './jinja/engine.ts'
import { TemplateError, TemplateLimit, TemplateSyntax } from './jinja/errors.ts'

export type RenderOptions = {
  tools?: readonly unknown[]
  /** End with the beginning of the assistant's turn; true unless said otherwise. */
  addGenerationPrompt?: boolean
  bosToken?: string
  eosToken?: string
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: JsonObject
}

/** The largest templates that are known have some 30,000. */
export const MAX_TEMPLATE_CHARS = 1 << 17

/**
 * The text of a prompt. Throws invalid_request (messages) where the template refuses the messages or takes
 * more than its steps for them, unsupported_format where the template itself cannot be read.
 */
export function renderPrompt(
  source: string,
  messages: readonly JsonObject[],
  options: RenderOptions = {},
): string {
  try {
    return render(source, messages, options)
  } catch (cause) {
    if (cause instanceof TemplateSyntax) throw unreadable(cause.message, cause)
    if (!(cause instanceof TemplateError || cause instanceof TemplateLimit)) throw cause
    const reason = cause.message.slice(0, 500)
    const says =
      cause instanceof TemplateLimit
        ? `the chat template ${reason} for these messages: send fewer or shorter ones`
        : `the chat template refuses these messages: ${reason}`
    throw new IsletError('invalid_request', says, { param: 'messages', cause })
  }
}

/** Whether the template raised an error over the messages: in another form it may take them. */
export function isRefusal(error: unknown): boolean {
  const isOurs = error instanceof IsletError && error.code === 'invalid_request'
  return isOurs && error.cause instanceof Error && !(error.cause instanceof TemplateLimit)
}

/** A tool as the APIs name one, for a trial. */
const TRIAL_TOOL = {
  type: 'function',
  function: {
    name: 'look_up',
    description: 'Looks a word up',
    parameters: {
      type: 'object',
      properties: { word: { type: 'string', description: 'The word' } },
      required: ['word'],
    },
  },
}

/**
 * Refuses a template that no chat could use: `unsupported_format` for one that cannot be read or asks for what
 * the engine cannot do, `invalid_file` for one that takes more than its steps for a word. One that refuses the
 * word is good.
 */
export function checkTemplate(source: string): void {
  for (const tools of [[], [TRIAL_TOOL]]) {
    try {
      render(source, [{ role: 'user', content: 'Hello' }], { tools, bosToken: '<s>', eosToken: '</s>' })
    } catch (cause) {
      if (cause instanceof TemplateSyntax) throw unreadable(cause.message, cause)
      if (cause instanceof TemplateLimit)
        throw new IsletError('invalid_file', `the chat template ${cause.message} for one message`, { cause })
      if (!(cause instanceof TemplateError)) throw cause
      // The sandbox bounds ranges: such a template raises whatever the messages are.
      if (cause.kind === 'OverflowError')
        throw new IsletError('invalid_file', `the chat template raises: ${cause.message}`, { cause })
    }
  }
}

function render(source: string, messages: readonly JsonObject[], options: RenderOptions): string {
  const { tools, bosToken, eosToken, addGenerationPrompt = true, variables } = options
  return compile(source).render({
    ...(bosToken === undefined ? {} : { bos_token: bosToken }),
    ...(eosToken === undefined ? {} : { eos_token: eosToken }),
    documents: null,
    // They may hide what stands above, as in transformers.
    ...(variables instanceof Map ? (Object.fromEntries(variables) as Record<string, unknown>) : variables),
    messages,
    // Absent is null, not undefined: templates ask `tools is not none` as well as `if tools`.
    tools: tools === undefined || tools.length === 0 ? null : tools,
    add_generation_prompt: addGenerationPrompt,
  })
}

/** Compiling costs a millisecond or two; an isolate has one model, the CLI a few. */
const compiled = new Map<string, Program>()
const MAX_COMPILED = 8

function compile(source: string): Program {
  const known = compiled.get(source)
  if (known !== undefined) return known
  if (source.length > MAX_TEMPLATE_CHARS)
    throw unreadable(`it has ${source.length} characters, at most ${MAX_TEMPLATE_CHARS} are read`)
  const program = new Program(source)
  if (compiled.size >= MAX_COMPILED) compiled.clear()
  compiled.set(source, program)
  return program
}

function unreadable(why: string, cause?: unknown): IsletError {
  return new IsletError('unsupported_format', `the chat template cannot be read: ${why.slice(0, 500)}`, {
    cause,
  })
}
