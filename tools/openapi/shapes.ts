// The shapes are JSON Schemas of what the main routes answer, which no schema of the worker checks at run time.

export type Schema = { readonly [keyword: string]: unknown }

const string: Schema = { type: 'string' }
const integer: Schema = { type: 'integer', minimum: 0 }
const number: Schema = { type: 'number' }
const boolean: Schema = { type: 'boolean' }
const probability: Schema = { type: 'number', minimum: 0, maximum: 1 }
const is = (value: string): Schema => ({ const: value })
const array = (items: Schema): Schema => ({ type: 'array', items })
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })
const oneOf = (...values: string[]): Schema => ({ enum: values })
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })

/** An object that has all `required` fields, and may have the `optional` ones and others. */
function object(
  required: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } }
}

const list = (item: string): Schema =>
  object(
    { object: is('list'), data: array(ref(item)) },
    { first_id: orNull(string), last_id: orNull(string), has_more: boolean },
  )

const choice = (extra: Readonly<Record<string, Schema>>, finished: Schema): Schema =>
  object({ index: integer, ...extra, finish_reason: finished })

const finishReason = oneOf('stop', 'length', 'tool_calls', 'function_call')

const call = object({
  id: string,
  type: is('function'),
  function: object({ name: string, arguments: string }),
})

const usage = object({
  prompt_tokens: integer,
  completion_tokens: integer,
  total_tokens: integer,
  prompt_tokens_details: object({ cached_tokens: integer }),
})

const inputUsage = object({ input_tokens: integer, output_tokens: integer, total_tokens: integer })

const tokenLogprob = object(
  { token: string, logprob: number, bytes: array(integer) },
  { islet_logprob: orNull(number) },
)

const chatLogprobs = object({
  content: array({ allOf: [tokenLogprob, object({ top_logprobs: array(tokenLogprob) })] }),
})

const textLogprobs = object({
  tokens: array(string),
  token_logprobs: array(orNull(number)),
  top_logprobs: array(orNull({ type: 'object', additionalProperties: number })),
  text_offset: array(integer),
})

const completion = (name: string, choices: Schema): Schema =>
  object(
    { id: string, object: is(name), created: integer, model: string, choices: array(choices) },
    { usage: orNull(usage), islet: ref('Islet') },
  )

const pages = object({ pages: integer, bytes: integer })

const item = object({ id: string, type: string }, { status: string, content: array({ type: 'object' }) })

export const SHAPES: Readonly<Record<string, Schema>> = {
  Islet: {
    description: 'What the window hid, what was cut or reused, and where an answer can be read again.',
    ...object(
      { window: orNull(integer), sinks: integer, out_of_sight: integer },
      {
        session: string,
        truncated_tokens: integer,
        cached_tokens: integer,
        stopped: is('cpu_limit'),
        closed_early: boolean,
        ignored: array(string),
        logits_sha256: string,
      },
    ),
  },
  ChatCompletion: completion(
    'chat.completion',
    choice(
      {
        message: object(
          { role: is('assistant'), content: orNull(string), refusal: { type: 'null' } },
          {
            tool_calls: array(call),
            function_call: object({ name: string, arguments: string }),
            reasoning_content: string,
          },
        ),
        logprobs: orNull(chatLogprobs),
      },
      finishReason,
    ),
  ),
  ChatCompletionChunk: completion(
    'chat.completion.chunk',
    choice({ delta: { type: 'object' }, logprobs: orNull(chatLogprobs) }, orNull(finishReason)),
  ),
  TextCompletion: completion(
    'text_completion',
    choice({ text: string, logprobs: orNull(textLogprobs) }, orNull(finishReason)),
  ),
  Response: object(
    {
      id: string,
      object: is('response'),
      created_at: integer,
      status: oneOf('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'),
      model: string,
      output: array(ref('Item')),
      error: orNull(object({ code: string, message: string })),
      usage: orNull(inputUsage),
      background: boolean,
    },
    { islet: { type: 'object' }, incomplete_details: orNull(object({ reason: string })) },
  ),
  Message: object({
    id: string,
    type: is('message'),
    role: is('assistant'),
    model: string,
    content: array(object({ type: oneOf('text', 'tool_use', 'thinking') }, { text: string })),
    stop_reason: orNull(string),
    stop_sequence: orNull(string),
    usage: object({ input_tokens: integer, output_tokens: integer }),
  }),
  MessageEvent: object({ type: string }),
  ResponseEvent: object({ type: string, sequence_number: integer }),
  Item: item,
  ItemList: list('Item'),
  Decision: object({
    object: is('decision'),
    model: string,
    answers: array({
      anyOf: [
        object({ type: is('predicate'), name: orNull(string), probability }),
        object({
          type: is('choice'),
          name: orNull(string),
          choice: { type: ['string', 'boolean'] },
          confidence: probability,
          probabilities: array(object({ value: { type: ['string', 'boolean'] }, probability })),
        }),
        object({
          type: is('score'),
          name: orNull(string),
          score: number,
          confidence: probability,
          probabilities: array(object({ label: string, value: integer, probability })),
        }),
      ],
    }),
    usage: inputUsage,
    islet: { type: 'object' },
  }),
  InputTokens: object({ object: is('response.input_tokens'), input_tokens: integer }),
  CountedTokens: object({ input_tokens: integer }),
  Conversation: object({
    id: string,
    object: is('conversation'),
    created_at: integer,
    metadata: { type: 'object' },
  }),
  OllamaChat: object({ model: string, created_at: string, message: { type: 'object' }, done: boolean }),
  OllamaGeneration: object({ model: string, created_at: string, response: string, done: boolean }),
  OllamaModels: object({ models: array({ type: 'object' }) }),
  OllamaModel: object({ details: { type: 'object' }, capabilities: array(string) }),
  OllamaEmbeddings: object({
    model: string,
    embeddings: array(array(number)),
    total_duration: integer,
    load_duration: integer,
    prompt_eval_count: integer,
  }),
  OllamaEmbedding: object({ embedding: array(number) }),
  OllamaError: object({ error: string }),
  OllamaVersion: object({ version: string }),
  Tokens: object({
    tokens: array({
      anyOf: [integer, object({ id: integer, piece: { anyOf: [string, array(integer)] } })],
    }),
  }),
  DetokenizedText: object({ content: string }),
  RenderedPrompt: object({ prompt: string }),
  EmbeddingList: object({
    object: is('list'),
    model: string,
    data: array(
      object({ object: is('embedding'), index: integer, embedding: { anyOf: [array(number), string] } }),
    ),
    usage: object({ prompt_tokens: integer, total_tokens: integer }),
  }),
  Ranking: object({
    object: is('list'),
    model: string,
    results: array(object({ index: integer, relevance_score: number })),
    usage: object({ prompt_tokens: integer, total_tokens: integer }),
  }),
  Session: object({
    id: string,
    object: is('session'),
    model: string,
    state: oneOf('running', 'paused', 'done', 'failed', 'cancelled'),
    created_at: integer,
    used_at: integer,
    expires_at: integer,
    tokens: integer,
    completion_tokens: integer,
    window: orNull(integer),
    sinks: integer,
    out_of_sight: integer,
    cache: object({ memory: pages, storage: pages }),
  }),
  SessionMemory: object({
    id: string,
    object: is('session.memory'),
    tokens: integer,
    cached_tokens: integer,
    page_tokens: integer,
    views: array(object({ layers: integer, window: orNull(integer), sinks: integer, out_of_sight: integer })),
    pages: array(
      object({
        count: integer,
        memory: boolean,
        storage: boolean,
        reused: boolean,
        shared: integer,
        in_sight: array(boolean),
      }),
    ),
    pool: orNull(object({ pages: integer, used: integer, session: integer, template: integer })),
    isolate: orNull(
      object({ weights: integer, pool: integer, scratch: integer, heap: integer, limit: integer }),
    ),
  }),
  SessionList: list('Session'),
  Deleted: object({ id: string, object: string, deleted: { const: true } }),
  DeletedAll: object({ object: is('session.list.deleted'), deleted: integer }),
  Model: object(
    { id: string, object: is('model'), created: integer, owned_by: string },
    {
      context_window: integer,
      max_model_len: integer,
      max_input_tokens: integer,
      max_tokens: orNull(integer),
      meta: object({ n_ctx_train: integer }),
    },
  ),
  ModelList: list('Model'),
  Health: object(
    {
      status: oneOf('ok', 'loading', 'error'),
      state: oneOf('ready', 'loading', 'cold', 'failed'),
      model: string,
      loaded_bytes: integer,
      total_bytes: integer,
    },
    {
      window: orNull(integer),
      sinks: integer,
      running: integer,
      waiting: integer,
      message: string,
      note: string,
      models: {
        type: 'array',
        items: { type: 'object' },
        description: 'The same of each, where several models are served.',
      },
    },
  ),
  Root: object({ name: is('Islet'), what: string, endpoints: array(string), docs: string }),
}
