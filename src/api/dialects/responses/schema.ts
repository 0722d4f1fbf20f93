// The body of POST /v1/responses has a rule for each of OpenAI's fields.
// Our sampling fields are the same as elsewhere.

import * as z from 'zod/mini'
import type { ChatMessage, Json } from '../../../protocol/generation.ts'
import { IsletError } from '../../../lib/errors.ts'
import { ignored, integer, neutral, unsupported } from '../field-kinds.ts'
import { effort, emptyArray, label, sharedFields, shortText, templateVariables } from '../fields.ts'
import {
  entriesOf,
  fieldOf,
  isJsonObject,
  jsonText,
  objectLike,
  type JsonObject,
} from '../../../lib/json-value.ts'
import { written, type Written } from '../../../protocol/written.ts'
import { sentField, type ChangedFields } from '../../http/body.ts'
import { structuredOutputs, textSettings } from '../answer-format.ts'
import type { Asked } from '../dialect.ts'
import { ignoredIn } from '../ignored.ts'
import { isletOrder } from '../islet-options.ts'
import { formOf, stopsOf, type BodyOrder } from '../order.ts'
import { saidOf, samplingOf } from '../sampling-fields.ts'
import { callingOf, flatChoice, flatToolChoice } from '../tool-choice.ts'
import { flatToolsSchema, wrappedFunctions } from '../tools.ts'
import { atMost, bodySchema, preview, validate, worded } from '../../validate.ts'
import { inputMessages, inputSchema, resultsIn, type InputItems, type ResultPlace } from './input.ts'
import type { ResponseReply } from './object.ts'

/** OpenAI's limits of metadata: pairs, and characters of a name and of a value. */
const [MAX_PAIRS, MAX_NAME, MAX_TEXT] = [16, 64, 512]
export const metadata = () =>
  worded(
    atMost(
      MAX_PAIRS,
      z.nullish(z.record(z.string().check(z.maxLength(MAX_NAME)), z.string().check(z.maxLength(MAX_TEXT)))),
    ),
    'invalid_request',
    (value) =>
      `must be an object of at most ${MAX_PAIRS} strings of at most ${MAX_TEXT} characters, with names of at most ${MAX_NAME}, not ${preview(value)}`,
  )

/** What `include` names the log probabilities of a message's tokens. */
const LOGPROBS = 'message.output_text.logprobs'

const summary = () => z.nullish(z.enum(['auto', 'concise', 'detailed']))
const reasoning = () =>
  z.catchall(
    z.object({ effort: z.nullish(effort()), summary: summary(), generate_summary: summary() }),
    z.null('must be absent'),
  )

const {
  max_tokens: maxTokens,
  n_predict: _predict,
  n: _n,
  stream_options: _options,
  verbosity: _verbosity,
  ...shared
} = sharedFields

/** The body of POST /v1/responses. */
export const responseSchema = bodySchema(() => ({
  ...shared,
  input: inputSchema(),
  instructions: z.nullish(z.string()),
  max_output_tokens: maxTokens,
  previous_response_id: label(),
  background: z.nullish(z.boolean()),
  metadata: metadata(),
  tools: z.nullish(flatToolsSchema()),
  tool_choice: flatToolChoice(),
  parallel_tool_calls: z.nullish(z.boolean()),
  chat_template_kwargs: templateVariables(),
  text: textSettings(),
  structured_outputs: structuredOutputs(),
  reasoning: z.nullish(reasoning()),
  // A client that keeps its own history asks for the first always. No reasoning here is encrypted: there is none to include.
  include: neutral(
    `an array of "reasoning.encrypted_content" and "${LOGPROBS}"`,
    z.array(z.enum(['reasoning.encrypted_content', LOGPROBS])).check(z.maxLength(2)),
  ),
  top_logprobs: z.nullish(integer(0, 20)),
  context_management: neutral('[]', emptyArray()),
  stream_options: z.nullish(z.strictObject({ include_obfuscation: z.nullish(z.boolean()) })),
  // It limits built-in tools, of which there are none.
  max_tool_calls: ignored(),
  conversation: z.nullish(
    z.union([shortText(), z.object({ id: shortText() })], 'must be the id of a conversation, or {"id"}'),
  ),
  prompt: unsupported(),
  image: unsupported(),
  access_programs: unsupported(),
}))

/** A checked body. */
type ResponseFields = ReturnType<typeof validate<typeof responseSchema>>

export type ResponseOrder = {
  /** All but the prompt, which needs the turn before. */
  order: Omit<BodyOrder, 'prompt'>
  input: ChatMessage[]
  /** The same as it was sent. */
  given: string | InputItems
  /** The call that each result in the input answers, by its place. */
  results: ResultPlace[]
  instructions: string | undefined
  /** Functions in the form that chat templates know. */
  tools: Written<object>[]
  variables: Written<Record<string, unknown>> | undefined
  previous: string | undefined
  /** The id of a conversation to go on in. */
  conversation: string | undefined
  reply: Asked<ResponseReply>['reply']
}

/**
 * Reads the body of POST /v1/responses.
 * @throws IsletError with `param`, for anything missing, malformed or not implemented.
 */
export function parseResponse(
  body: Record<string, unknown>,
  newSeed: () => number,
  changed: ChangedFields = new Map(),
): ResponseOrder {
  const fields = validate(responseSchema, body)
  const [stream, store, background] = [
    fields.stream ?? false,
    fields.store ?? true,
    fields.background ?? false,
  ]
  if (fields.stream_options !== undefined && !stream) throw refuse('stream_options', 'needs "stream": true')
  if (background && !store) throw refuse('background', 'needs "store": true: its answer is read later')
  const { include = [], top_logprobs: top = 0 } = fields
  const hasLogprobs = include.includes(LOGPROBS)
  if (top > 0 && !hasLogprobs) throw refuse('top_logprobs', `needs "include": ["${LOGPROBS}"]`)
  const conversation = conversationIn(fields)
  const input = inputMessages(fields.input)
  if (input.length === 0) throw refuse('input', 'must have an item beside reasoning')
  const sent = (name: string): unknown => sentField(body, changed, name)
  const tools = fields.tools ?? []
  const stop = stopsOf(fields.stop)
  const { rule, told } = callingOf({
    field: 'tool_choice',
    list: 'tools',
    offered: tools.map(({ name }) => name),
    nameAt: 'name',
    choice: flatChoice(fields.tool_choice),
    single: fields.parallel_tool_calls === false,
    stop,
  })
  const sampling = samplingOf(fields, newSeed)
  const kept = keptAsSent(sent)
  return {
    order: {
      model: fields.model,
      stream,
      store,
      background,
      includeUsage: false,
      maxTokens: fields.max_output_tokens,
      stop,
      ...formOf(sent, stop, rule),
      ignoreEos: fields.ignore_eos ?? false,
      truncation: fields.truncation ?? 'disabled',
      topLogprobs: hasLogprobs ? top : undefined,
      ...isletOrder(fields.islet, hasLogprobs),
      echo: false,
      places: { prompt: 'input', maxTokens: 'max_output_tokens', functions: 'tools' },
      cacheKey: fields.prompt_cache_key,
      endUser: fields.user ?? fields.safety_identifier,
      sampling,
      said: saidOf(fields),
    },
    input,
    given: fields.input,
    results: resultsIn(fields.input),
    instructions: fields.instructions,
    tools: told ? wrappedFunctions((sent('tools') as JsonObject[]).map(withoutType)) : [],
    variables:
      fields.chat_template_kwargs === undefined
        ? undefined
        : written(sent('chat_template_kwargs') as JsonObject),
    previous: fields.previous_response_id,
    conversation,
    reply: {
      background,
      shown: {
        instructions: fields.instructions ?? null,
        max_output_tokens: fields.max_output_tokens ?? null,
        max_tool_calls: null,
        parallel_tool_calls: fields.parallel_tool_calls ?? true,
        previous_response_id: fields.previous_response_id ?? null,
        prompt_cache_key: fields.prompt_cache_key ?? null,
        reasoning: { effort: fields.reasoning?.effort ?? null, summary: fields.reasoning?.summary ?? null },
        safety_identifier: fields.safety_identifier ?? null,
        service_tier: 'default',
        store,
        temperature: sampling.temperature,
        top_logprobs: top,
        top_p: sampling.topP,
        truncation: fields.truncation ?? 'disabled',
        user: fields.user ?? null,
        ...(conversation !== undefined && { conversation: { id: conversation } }),
        ...kept.shown,
      },
      ...(Object.keys(kept.written).length > 0 && { written: kept.written }),
      ...ignoredIn(fields, sent, rule),
    },
  }
}

/**
 * The id of the conversation that a body names.
 * @throws IsletError where it is named beside a response, or where nothing is kept.
 */
function conversationIn(fields: ResponseFields): string | undefined {
  const { conversation: named, previous_response_id: previous } = fields
  if (named === undefined) return undefined
  if (previous !== undefined)
    throw refuse('conversation', 'must not be given beside previous_response_id: leave one of them out')
  if (fields.store === false) throw refuse('conversation', 'needs "store": true: its items are kept')
  return typeof named === 'string' ? named : named.id
}

/** The fields that a client may write any JSON in, as it wrote them: plain, or text where plain JSON would change it. */
function keptAsSent(sent: (name: string) => unknown): Required<Pick<ResponseReply, 'shown' | 'written'>> {
  const settings = sent('text')
  const format = isJsonObject(settings) ? fieldOf(settings, 'format') : undefined
  const tools = (sent('tools') ?? []) as JsonObject[]
  const kept = { shown: {} as Record<string, Json>, written: {} as Record<string, string> }
  const fields = {
    metadata: sent('metadata') ?? {},
    text: { format: format ?? { type: 'text' } },
    tool_choice: sent('tool_choice') ?? 'auto',
    tools: tools.map(withAllFields),
  }
  for (const [name, value] of Object.entries(fields)) {
    const text = jsonText(value)
    const plain = JSON.parse(text) as Json
    if (JSON.stringify(plain) === text) kept.shown[name] = plain
    else kept.written[name] = text
  }
  return kept
}

/** A function with the fields that OpenAI's objects always have. */
function withAllFields(given: JsonObject): JsonObject {
  const sent = entriesOf(given)
  const absent = ['description', 'parameters', 'strict'].filter((name) => !sent.some(([key]) => key === name))
  return objectLike(given, [...absent.map((name): [string, unknown] => [name, null]), ...sent])
}

/** What the wrapper around a flat function holds. */
function withoutType(given: JsonObject): JsonObject {
  const fields = entriesOf(given).filter(([key, value]) => key !== 'type' && value !== null)
  return objectLike(given, fields)
}

function refuse(param: string, says: string): IsletError {
  return new IsletError('invalid_request', `${param} ${says}`, { param })
}
