// This file turns messages into a prompt's ids, by the model's template or by its built-in format.

import { IsletError } from '../lib/errors.ts'
import type { JsonObject } from '../lib/json-value.ts'
import { atOnce, Budget, type Sliced } from '../lib/sliced.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { BuiltinChat, ChatFormat } from '../weights/manifest.ts'
import { takesParts } from './content-parts.ts'
import type { Budget as Room, Format } from './formats/format.ts'
import { FORMATS } from './formats/index.ts'
import { renderGuarded, sequenceMarks, type TemplateOptions } from './literal-specials.ts'
import { messageForms, textMessages, type SentMessage } from './message-forms.ts'
import { encodeLayout, showParts, type ChatLayout, type LayoutIds } from './parts.ts'
import { chosenTemplate } from './chosen-template.ts'
import { isRefusal, renderPrompt } from './template.ts'

export type PromptOptions = Omit<TemplateOptions, 'tools' | 'variables'> & {
  tools?: readonly unknown[]
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: JsonObject
  /**
   * Shortens a built-in format's conversation as its original does; what is missing comes from the model's
   * files.
   */
  fit?: Partial<Room>
  /**
   * Lets special tokens that are written in messages become tokens, as the authors' own scripts do; for
   * templates.
   */
  trusted?: boolean
}

/**
 * The ids of a chat prompt, with BOS where the format or the file's flag wants it and never twice. Throws
 * invalid_request for messages or tools that the format cannot say, unsupported_format where it cannot be
 * used at all.
 */
export function promptIds(
  tokenizer: Tokenizer,
  chat: ChatFormat,
  messages: readonly SentMessage[],
  options: PromptOptions = {},
): number[] {
  return atOnce(promptIdsSliced(tokenizer, chat, messages, new Budget(Infinity), options))
}

/** The same ids, in slices: rendering a template is one, with the first of encoding. */
export function* promptIdsSliced(
  tokenizer: Tokenizer,
  chat: ChatFormat,
  messages: readonly SentMessage[],
  budget: Budget,
  options: PromptOptions = {},
): Sliced<number[]> {
  if (chat.kind === 'builtin') {
    const { format, layout } = layoutOf(chat, messages, options)
    return idsOfLayout(chat, format, yield* encodeLayout(tokenizer, layout, budget), options.fit)
  }
  const { text, guard } = renderFirst(chat, messages, options, (template, form, settings) =>
    options.trusted === true
      ? { text: renderPrompt(template, form, { ...settings, ...sequenceMarks(tokenizer) }), guard: undefined }
      : renderGuarded(tokenizer, template, form, settings),
  )
  return withBos(tokenizer, yield* tokenizer.encodeSliced(text, budget, { special: true, guard }))
}

/** The text of a chat prompt as the model's authors would see it; never shortened. */
export function promptText(
  tokenizer: Tokenizer,
  chat: ChatFormat,
  messages: readonly SentMessage[],
  options: PromptOptions = {},
): string {
  if (chat.kind === 'builtin') {
    const { head, rounds, tail } = layoutOf(chat, messages, options).layout
    return showParts(tokenizer, [...head, ...rounds.flat(), ...tail])
  }
  const { text, guard } = renderFirst(chat, messages, options, (template, form, settings) =>
    renderGuarded(tokenizer, template, form, settings),
  )
  return text.replaceAll(guard, '')
}

/** Renders the first form of the messages that the template takes. Where it refuses all, its first words count. */
function renderFirst<T>(
  chat: Exclude<ChatFormat, BuiltinChat>,
  messages: readonly SentMessage[],
  { addGenerationPrompt, tools, variables }: PromptOptions,
  render: (template: string, form: JsonObject[], settings: TemplateOptions) => T,
): T {
  const template = templateOf(chat, tools)
  const settings = { addGenerationPrompt, tools, variables }
  let refusal: unknown
  for (const form of messageForms(messages, (role) => takesParts(template, role))) {
    try {
      return render(template, form, settings)
    } catch (error) {
      if (!isRefusal(error)) throw error
      refusal ??= error
    }
  }
  throw refusal
}

/**
 * The ids of a plain prompt (completions): no special tokens from the text, BOS by the file's flag, and what
 * the family's own tokenizer puts around every text. With `after`, the model shall fill the gap before it;
 * unsupported_value (suffix) where it cannot.
 */
export function textIds(tokenizer: Tokenizer, chat: ChatFormat, text: string, after = ''): number[] {
  return atOnce(textIdsSliced(tokenizer, chat, text, after, new Budget(Infinity)))
}

/**
 * The same ids, in slices. Without `bos` they are those of the text alone. `names`: special tokens that are written in the
 * text become those tokens, unless the format itself sets some around it.
 */
export function* textIdsSliced(
  tokenizer: Tokenizer,
  chat: ChatFormat,
  text: string,
  after: string,
  budget: Budget,
  { bos = true, names = false }: { bos?: boolean; names?: boolean } = {},
): Sliced<number[]> {
  const format = chat.kind === 'builtin' ? FORMATS[chat.format] : undefined
  if (!bos || (names && format?.text === undefined)) {
    const ids = yield* tokenizer.encodeSliced(text, budget, { special: names })
    return bos ? withBos(tokenizer, ids) : ids
  }
  const parts = after === '' ? (format?.text?.(text) ?? [text]) : format?.gap?.(text, after)
  if (parts === undefined) {
    throw new IsletError('unsupported_value', 'suffix: this model cannot fill a gap; leave suffix out', {
      param: 'suffix',
    })
  }
  const { head } = yield* encodeLayout(tokenizer, { head: parts, rounds: [], tail: [] }, budget)
  return withBos(tokenizer, head)
}

function withBos(tokenizer: Tokenizer, ids: number[]): number[] {
  const { bosId } = tokenizer
  return tokenizer.addBos && bosId !== undefined && ids[0] !== bosId ? [bosId, ...ids] : ids
}

function templateOf(chat: Exclude<ChatFormat, BuiltinChat>, tools: readonly unknown[] = []): string {
  if (chat.kind === 'jinja') return chosenTemplate(chat, tools.length > 0)
  throw new IsletError(
    'invalid_request',
    'this model has no chat template; use the completions endpoint or another model',
    { param: 'messages' },
  )
}

function layoutOf(
  chat: BuiltinChat,
  messages: readonly SentMessage[],
  { tools = [], addGenerationPrompt = true }: PromptOptions,
): { format: Format; layout: ChatLayout } {
  const format = FORMATS[chat.format]
  if (!format.tools && tools.length > 0) {
    throw new IsletError('unsupported_value', `tools: the chat format ${chat.format} knows none`, {
      param: 'tools',
    })
  }
  return {
    format,
    layout: format.layout(textMessages(messages), { chat, tools, opening: addGenerationPrompt }),
  }
}

function idsOfLayout(
  chat: BuiltinChat,
  format: Format,
  { head, rounds, tail }: LayoutIds,
  fit: Partial<Room> | undefined,
): number[] {
  if (fit === undefined) return [...head, ...rounds.flat(), ...tail]
  if (format.fit === undefined) {
    throw new IsletError('unsupported_value', `the chat format ${chat.format} has no rule for shortening`)
  }
  const maxLength = fit.maxLength ?? chat.maxLength ?? format.defaults?.maxLength
  if (maxLength === undefined) {
    throw new IsletError('invalid_request', "the model's files name no longest length: give one")
  }
  const maxNewTokens = fit.maxNewTokens ?? chat.maxNewTokens ?? format.defaults?.maxNewTokens ?? 0
  return format.fit({ head, rounds, tail }, { maxLength, maxNewTokens })
}
