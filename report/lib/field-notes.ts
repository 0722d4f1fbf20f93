// A field note says what a field of a body does, and what holds without it: a schema knows neither.

import { optionFields } from '../../src/api/dialects/ollama/options.ts'
import { DEFAULT_SAMPLING } from '../../src/protocol/generation.ts'

type Note = {
  does: string
  /** The value that means the same as leaving the field out. */
  usual?: unknown
  /** What holds without it, where that is no value. */
  without?: string
}

const usual = DEFAULT_SAMPLING

/** Notes that hold for every route which takes the field, in the order of the schemas. */
export const NOTES: Readonly<Record<string, Note>> = {
  model: {
    without: 'the one that is served',
    does: 'its id or one of [`MODEL_ALIASES`](../deploying.md#variables), compared without case; others are a 404',
  },
  stream: { usual: false, does: 'server-sent events, ended by `data: [DONE]`' },
  stream_options: {
    does: 'needs `stream`. `include_usage` adds a last chunk with usage; `include_obfuscation` is without effect: there is no padding',
  },
  max_tokens: {
    without: 'until the model ends, at most its trained context',
    does: 'the most tokens of an answer',
  },
  n_predict: { does: "`max_tokens` in llama-server's words; -1 is no limit" },
  temperature: { usual: usual.temperature, does: '0 takes the most likely token, ties to the lower id' },
  top_p: { usual: usual.topP, does: '1 is off' },
  top_k: { usual: usual.topK, does: '0 and -1 are off' },
  min_p: { usual: usual.minP, does: '0 is off' },
  repetition_penalty: { usual: usual.repetitionPenalty, does: 'over prompt and answer' },
  repeat_penalty: { does: 'another name of `repetition_penalty`' },
  presence_penalty: { usual: usual.presencePenalty, does: 'over the answer' },
  frequency_penalty: { usual: usual.frequencyPenalty, does: 'over the answer' },
  repeat_last_n: { usual: -1, does: 'how many of the last tokens the penalties look at; -1 is all, 0 none' },
  dry_multiplier: { usual: 0, does: 'DRY lowers what would go on with a repetition; 0 is off' },
  dry_base: { usual: 1.75, does: 'DRY grows by it' },
  dry_allowed_length: { usual: 2, does: 'repetitions that DRY lets pass' },
  dry_penalty_last_n: { usual: -1, does: 'how far back DRY looks; -1 is all' },
  dry_sequence_breakers: { usual: ['\n', ':', '"', '*'], does: 'no repetition goes across them' },
  top_n_sigma: { usual: -1, does: '0 and -1 are off' },
  dynatemp_range: { usual: 0, does: 'the temperature moves so far with the entropy; 0 is off' },
  dynatemp_exponent: { usual: 1, does: 'how it moves' },
  typical_p: { usual: 1, does: '1 is off' },
  typ_p: { does: 'another name of `typical_p`' },
  xtc_probability: { usual: 0, does: '0 is off' },
  xtc_threshold: { usual: 0.1, does: 'what counts as likely for XTC' },
  mirostat: {
    usual: 0,
    does: '2 goes in the place of `top_k`, `top_p`, `min_p` and the like, which `islet.ignored` names then',
  },
  mirostat_tau: { usual: 5, does: 'the surprise that Mirostat aims at' },
  mirostat_eta: { usual: 0.1, does: 'how fast Mirostat learns' },
  seed: {
    without: 'random',
    does: 'taken modulo 2^32, from all of its digits; the same seed gives the same text',
  },
  logit_bias: { does: 'by token id, such as `{"42": -100}`' },
  stop: { does: 'the matched text is never sent' },
  ignore_eos: { usual: false, does: "the model's end tokens do not end the answer" },
  cache_prompt: {
    usual: true,
    does: "llama-server's: what a session holds is always used again, and changes no bit; false is without effect, which `islet.ignored` says",
  },
  truncation: {
    usual: 'disabled',
    does: '`"auto"` cuts the oldest tokens of a [prompt that is too long](../api.md#long-prompts), else that is a 400',
  },
  n: { usual: 1, does: '[answers](../api.md#several-answers) to each prompt' },
  user: { does: 'part of the session key' },
  safety_identifier: { does: 'part of the session key' },
  prompt_cache_key: { does: 'the [session](../sessions.md) key itself' },
  store: { usual: true, does: 'false: nothing of the request is written, and it cannot be read again' },
  islet: {
    does: '`close` (true): an answer under a form is led to its end before the limit; `logprobs` (`"raw"`): `"restricted"` adds those within what [fits](../structured.md), `"forced"` whether anything else did; `memory` (false): comments of the stream tell [how pages move](../api.md#memory-of-a-session)',
  },
  chat_template_kwargs: {
    does: 'further variables of the chat template, such as `{"enable_thinking": false}`',
  },
  tools: {
    does: 'functions that are [part of the prompt](../chat.md); [arguments are held](../api.md#functions) to their schema',
  },
  tool_choice: { usual: 'auto', does: '[which function is called](../api.md#which-function-is-called)' },
  parallel_tool_calls: { usual: true, does: 'false: one call at most' },
  response_format: {
    usual: { type: 'text' },
    does: 'the answer is JSON, [by the schema](../structured.md) where there is one, whether `strict` says so or not',
  },
  structured_outputs: {
    does: "one of them, [as vLLM has it](../structured.md): a schema, a pattern of the whole answer, some texts, a grammar in llama.cpp's notation",
  },
  messages: { does: 'the [conversation](../api.md#messages)' },
  max_completion_tokens: { without: '`max_tokens`', does: 'goes before `max_tokens`' },
  logprobs: { usual: false, does: 'log probabilities of the raw logits, before any rule of sampling' },
  top_logprobs: { usual: 0, does: 'needs `logprobs`: so many alternatives of each token' },
  functions: { does: '`tools` without the wrapper, for one call; not beside `tools`' },
  function_call: { usual: 'auto', does: '`tool_choice` of `functions`' },
  modalities: { usual: ['text'], does: '' },
  reasoning_effort: {
    does: 'without effect, which `islet.ignored` says of all but `"none"`: no model here thinks more for it',
  },
  prompt: {
    does: 'not empty; each of several is answered `n` times, [32 answers in all at most](../api.md#several-answers)',
  },
  echo: {
    usual: false,
    does: 'the prompt comes first; with `logprobs` its tokens are [scored](../api.md#post-v1completions)',
  },
  best_of: { usual: 1, does: '' },
  suffix: { usual: '', does: 'ChatGLM-6B fills the gap between prompt and suffix; other models refuse it' },
  instructions: { does: 'in front as `system`; not carried over to the next response' },
  max_output_tokens: { without: 'until the model ends', does: 'the most tokens of an answer' },
  previous_response_id: {
    does: 'goes on from there; 404 when it is not kept, 400 when it has no whole answer',
  },
  background: { usual: false, does: 'needs `store`; not streamed it is answered at once, as `queued`' },
  text: {
    usual: { format: { type: 'text' } },
    does: '`format`: the answer is JSON, [by the schema](../structured.md) where there is one',
  },
  reasoning: { does: 'without effect, which `islet.ignored` says' },
  include: {
    usual: [],
    does: '`message.output_text.logprobs` gives log probabilities; no reasoning here is encrypted',
  },
  context_management: { usual: [], does: '' },
  conversation: {
    does: 'goes on in a [conversation](conversations.md); not beside `previous_response_id`, and not with `"store": false`',
  },
  items: { does: "as in a response's `input`; each gets an id that stays" },
  metadata: { does: 'kept and returned' },
  system: { does: 'in front of the messages' },
  stop_sequences: { does: 'the matched text is never sent; `stop_sequence` names it' },
  output_config: {
    does: '`format`: the answer is JSON [by the schema](../structured.md); `effort` is without effect, which `islet.ignored` says',
  },
  thinking: { does: 'without effect: [who thinks does so](../anthropic.md#the-body)' },
  speed: { usual: 'standard', does: '' },
  format: { usual: '', does: 'JSON, or the answer is held to a [JSON Schema](../structured.md)' },
  options: { does: optionWords() },
  think: {
    without: "the template's way",
    does: "the template's `enable_thinking`; what the model thinks is `thinking`",
  },
  images: { usual: [], does: '' },
  template: { usual: '', does: "Ollama's templates are Go's, which are not read here" },
  context: { usual: [], does: '' },
  raw: { usual: false, does: 'the prompt goes on as a text, without a template' },
  name: { does: 'another name of `model`; one of them is required' },
  verbose: { usual: false, does: '' },
  questions: { does: '[predicates, choices and scores](../decisions.md)' },
  content: { does: 'the text' },
  add_special: { usual: false, does: 'with what stands around a text completion, such as BOS' },
  parse_special: {
    usual: true,
    does: "special tokens that are written in it become those tokens; not where ChatGLM's `add_special` sets its own",
  },
  with_pieces: {
    usual: false,
    does: 'each token is `{"id", "piece"}`; a piece is a text, or an array of bytes where they are no whole characters',
  },
  tokens: { does: 'ids' },
  add_generation_prompt: { usual: true, does: 'the prompt ends with the beginning of the answer' },
  encoding_format: { usual: 'float', does: '`"base64"` is little-endian float32' },
  query: { does: 'what the documents are compared with' },
  documents: { does: 'texts, or `{"text"}`' },
  top_n: { without: 'all', does: 'the most documents of the reply' },
  return_documents: { usual: false, does: 'each result has its document' },
}

/** Notes of one route, where they differ. */
export const ROUTE_NOTES: Readonly<Record<string, Note>> = {
  'POST /v1/completions max_tokens': {
    usual: 16,
    does: 'as OpenAI documents; 0 asks for the `echo` alone',
  },
  'POST /v1/completions logprobs': {
    does: 'so many alternatives of each token, with [their places in the text](../api.md#post-v1completions)',
  },
  'POST /v1/responses stream': {
    usual: false,
    does: "server-sent events of OpenAI's types, with `sequence_number`",
  },
  'POST /v1/responses stream_options': { does: 'needs `stream`; without effect: there is no padding' },
  'POST /v1/responses input': { does: 'a text, or items; `reasoning` is read over' },
  'POST /v1/responses tools': {
    does: 'functions, [as in chat](../api.md#functions) without the wrapper; repeated in the response as sent',
  },
  'POST /v1/responses top_logprobs': {
    usual: 0,
    does: 'so many alternatives of each token; needs `message.output_text.logprobs` in `include`',
  },
  'POST /v1/messages stream': {
    usual: false,
    does: "server-sent events of Anthropic's types, ended by `message_stop`",
  },
  'POST /v1/messages max_tokens': { does: 'the most tokens of an answer' },
  'POST /v1/messages messages': {
    does: '[blocks](../anthropic.md#the-body) of text, calls, results and thoughts',
  },
  'POST /v1/messages metadata': { does: '`user_id`: part of the session key, as `user` is in chat' },
  'POST /v1/messages tools': {
    does: "[arguments are held](../api.md#functions) to `input_schema`; tools that run on Anthropic's machines are refused",
  },
  'POST /v1/messages tool_choice': {
    usual: { type: 'auto' },
    does: '`any` and `tool` must call; `disable_parallel_tool_use`: one call at most, which `tool` always is',
  },
  'POST /api/chat stream': {
    usual: true,
    does: 'lines of JSON (`application/x-ndjson`), the last with `"done": true`, counts, and durations in nanoseconds',
  },
  'POST /api/chat messages': {
    does: 'roles as in chat; a result answers the first open call of its `tool_name`, or that of its `tool_call_id`',
  },
  'POST /api/generate prompt': { does: "the user's message, or with `raw` or `suffix` a text that goes on" },
  'POST /api/generate suffix': { usual: '', does: 'what follows the text; not beside `system`' },
  'POST /api/show model': { without: '`name`', does: 'its id or an alias' },
  'POST /v1/decisions input': { does: '[what all questions are about](../decisions.md)' },
  'POST /v1/decisions islet': {
    does: '`calibration` (`"content_free"`): `"none"` leaves the [prior](../decisions.md) in',
  },
  'POST /v1/embeddings input': {
    does: "texts; token ids are refused, in words that name LangChain's switch",
  },
  'POST /api/embed input': { does: 'texts' },
  'POST /api/embed truncate': { does: 'without effect: a text that is too long is a 400' },
  'POST /api/embed options': { does: 'without effect' },
  'POST /api/embeddings prompt': { does: 'the text' },
  'POST /api/embeddings options': { does: 'without effect' },
  'POST /v1/embeddings user': { does: 'without effect' },
  'POST /v1/rerank user': { does: 'without effect' },
}

/** What a route's field does, and what holds without it. Throws where nobody has written that down. */
export function noteOf(route: string, field: string): { does: string; without: string } {
  const note = ROUTE_NOTES[`${route} ${field}`] ?? NOTES[field]
  if (note === undefined) throw new Error(`field-notes.ts has no note of ${field} in ${route}`)
  const without = note.without ?? ('usual' in note ? `\`${JSON.stringify(note.usual)}\`` : '')
  return { does: note.does, without }
}

/** Ollama's options by what they do, as their own table has it. */
function optionWords(): string {
  const names = 'temperature top_k top_p min_p typical_p repeat_penalty repeat_last_n presence_penalty frequency_penalty mirostat mirostat_tau mirostat_eta seed stop num_predict num_ctx num_batch num_gpu num_thread num_keep use_mmap'.split(' ') // prettier-ignore
  const isIgnored = (name: string): boolean => optionFields({ [name]: 1 }).ignored.length > 0
  const list = (some: readonly string[]): string => some.map((name) => `\`${name}\``).join(', ')
  const read = names.filter((name) => !isIgnored(name))
  return `as the fields of [chat](chat.md): ${list(read)} (-1 and -2: no limit). Without effect, as the deployment settles them: ${list(names.filter(isIgnored))} and others of the machine`
}
