// An answer form is made of a request's functions, its grammar, and where its prompt ends.

import type { AnswerForm } from '../../grammar/answer-form.ts'
import { ANY_OBJECT, type CallsForm, type OfferedFunction } from '../../grammar/call-form.ts'
import { IsletError } from '../../lib/errors.ts'
import { entriesOf, fieldOf, isJsonObject, jsonText, type JsonObject } from '../../lib/json-value.ts'
import type { CallRule, GenerateRequest, Places } from '../../protocol/generation.ts'
import { readWritten } from '../../protocol/written.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import type { ChatFormat } from '../../weights/manifest.ts'
import { endOf, marksOf, thoughtOf } from '../answers/rules.ts'
import { functionsOf } from '../conversation.ts'
import { ownStyle } from './call-style.ts'

type Asked = Pick<GenerateRequest, 'prompt' | 'grammar' | 'grammarParam' | 'callRule' | 'places'>

/**
 * Undefined where the request's grammar alone, or nothing, says it. `ids`: of the prompt. Throws invalid_request for calls that
 * are asked for where none are possible, and for a grammar beside calls that could not be told apart.
 */
export function answerFormOf(
  { prompt, grammar, grammarParam = 'response_format', callRule, places }: Asked,
  tokenizer: Tokenizer,
  chat: ChatFormat,
  ids: readonly number[],
): AnswerForm | undefined {
  if (prompt.kind !== 'chat') return undefined
  const tools = (prompt.tools ?? []).map(readWritten)
  const hasTools = tools.length > 0
  if (!hasTools && callRule?.required === true)
    throw new IsletError('invalid_request', 'tool_choice: a call is asked for, and no function is offered', {
      param: 'tool_choice',
    })
  if (!hasTools && grammar === undefined) return undefined
  const place = thoughtOf(tokenizer, chat, ids, hasTools)
  const isOpened = endOf(tokenizer, ids).endsWith('Thought:')
  const calls = hasTools ? callsForm(tools, chat, callRule, { isOpened, places }) : undefined
  // Thinking that is off stays off where all is held; free text is the model's own.
  const thought =
    place !== 'closed' ? place : grammar === undefined && calls?.required !== true ? 'maybe' : undefined
  if (calls === undefined && thought === undefined) return undefined
  const form: AnswerForm = {
    kind: 'form',
    tokens: marksOf(chat, { tools: hasTools }).filter((name) => tokenizer.idOf(name) !== undefined),
    ...(thought !== undefined && { thought }),
    ...(grammar !== undefined && calls?.required !== true && { text: grammar }),
    ...(calls !== undefined && { calls }),
  }
  if (form.text !== undefined && calls !== undefined && calls.style !== 'tool_call')
    throw new IsletError(
      'invalid_request',
      'response_format beside tools: this model writes calls that could not be told from such a text; leave one out',
      { param: /^(text|output_config)\.format|^\w+/.exec(grammarParam)?.[0] },
    )
  return form
}

function callsForm(
  tools: readonly unknown[],
  chat: ChatFormat,
  rule: CallRule | undefined,
  { isOpened, places }: { isOpened: boolean; places: Places | undefined },
): CallsForm {
  const { required = false, names, single = false } = rule ?? {}
  const style = ownStyle(chat) ?? 'tool_call'
  const { functions: field, parameters } = { parameters: 'parameters', ...places }
  const all = functionsOf(tools).map((each, i): OfferedFunction & { isNamed: boolean } => {
    const name = nameOf(each, style)
    const wrapper = each === tools[i] || field !== undefined ? '' : '/function'
    return {
      name,
      parameters: parametersOf(fieldOf(each, 'parameters')),
      pointer: `/${i}${wrapper}/${parameters}`,
      ...(fieldOf(each, 'strict') === true && { isStrict: true }),
      isNamed: name !== '' && (names === undefined || names.includes(name)),
    }
  })
  const functions = all.filter(({ isNamed }) => isNamed).map(({ isNamed: _, ...each }) => each)
  if (required && functions.length === 0)
    throw new IsletError(
      'invalid_request',
      `tool_choice: none of the functions that it names (${(names ?? []).join(', ')}) is offered`,
      { param: 'tool_choice' },
    )
  return {
    style,
    functions,
    required,
    single,
    ...(style === 'react' && isOpened && { isOpened }),
    ...(field === 'functions' && { field }),
  }
}

function nameOf(each: JsonObject, style: CallsForm['style']): string {
  const own = style === 'react' ? fieldOf(each, 'name_for_model') : undefined
  const name = own ?? fieldOf(each, 'name')
  return typeof name === 'string' ? name : ''
}

/** Without a schema, or with an empty one, any object. */
function parametersOf(schema: unknown): string {
  if (!isJsonObject(schema) || entriesOf(schema).length === 0) return ANY_OBJECT
  return jsonText(schema)
}
