// This file renders a checkpoint's chat template (Jinja) with messages to the text of a prompt.

import { Template } from '@huggingface/jinja'
import { IsletError } from '../lib/errors.ts'
import { plainJson, type JsonObject } from '../lib/json-value.ts'
import { renderBounded, TemplateLimit } from './bounded-template.ts'

export type RenderOptions = {
  tools?: unknown[]
  /** End with the beginning of the assistant's turn; true unless said otherwise. */
  addGenerationPrompt?: boolean
  bosToken?: string
  eosToken?: string
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>
}

/** The largest templates that are known have some 30,000. */
export const MAX_TEMPLATE_CHARS = 1 << 17

/** The library looks through white space once for each character of it. */
const LONG_SPACE = /\s{1000}/

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
    if (cause instanceof IsletError) throw cause
    const reason = cause instanceof Error ? cause.message.slice(0, 500) : String(cause)
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

/**
 * Refuses a template that no chat could use: `unsupported_format` for one that cannot be read, `invalid_file`
 * for one that takes more than its steps for a word. One that refuses the word is good.
 */
export function checkTemplate(source: string): void {
  try {
    render(source, [{ role: 'user', content: 'Hello' }], { bosToken: '<s>', eosToken: '</s>' })
  } catch (cause) {
    if (cause instanceof IsletError) throw cause
    if (cause instanceof TemplateLimit)
      throw new IsletError('invalid_file', `the chat template ${cause.message} for one message`, { cause })
  }
}

function render(source: string, messages: readonly JsonObject[], options: RenderOptions): string {
  const { tools, bosToken, eosToken, addGenerationPrompt = true, variables } = options
  return renderBounded(compile(source), {
    ...(bosToken === undefined ? {} : { bos_token: bosToken }),
    ...(eosToken === undefined ? {} : { eos_token: eosToken }),
    documents: null,
    // They may hide what stands above, as in transformers.
    ...variables,
    messages,
    // Absent is null, not undefined: templates ask `tools is not none` as well as `if tools`.
    tools: tools === undefined || tools.length === 0 ? null : tools,
    add_generation_prompt: addGenerationPrompt,
  })
}

/** The template library knows plain values alone. */
export function forEngine<T>(value: T): T {
  return plainJson(value) as T
}

/** Parsing costs a millisecond or two; an isolate has one model, the CLI a few. */
const compiled = new Map<string, Template>()
const MAX_COMPILED = 8

function compile(source: string): Template {
  const known = compiled.get(source)
  if (known !== undefined) return known
  if (source.length > MAX_TEMPLATE_CHARS)
    throw unreadable(`it has ${source.length} characters, at most ${MAX_TEMPLATE_CHARS} are read`)
  if (LONG_SPACE.test(source)) throw unreadable('it has a thousand characters of white space in a row')
  try {
    const template = new Template(source)
    if (compiled.size >= MAX_COMPILED) compiled.clear()
    compiled.set(source, template)
    return template
  } catch (cause) {
    throw unreadable((cause instanceof Error ? cause.message : String(cause)).slice(0, 500), cause)
  }
}

function unreadable(why: string, cause?: unknown): IsletError {
  return new IsletError('unsupported_format', `the chat template cannot be read: ${why}`, { cause })
}
