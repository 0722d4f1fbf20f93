// The tables of docs/inside-workers.md put what Workers AI documents beside what the binding does, from its own tables.

import { existsSync, readFileSync } from 'node:fs'
import {
  BINDING_GOAL,
  WAYS,
  type Answer,
  type BindingResult,
  type Way,
} from '../../bench/lib/binding-result.ts'
import { MOUNT_GOAL_MS, type MountResult } from '../../bench/lib/mount-result.ts'
import { median } from '../../bench/lib/results.ts'
import { INTERNAL_CODES, INVALID_INPUT } from '../../src/api/dialects/workers-ai/errors.ts'
import { failureOf } from '../../src/api/http/errors.ts'
import { ABSENT, REFUSED, WITHOUT_EFFECT } from '../../src/binding/binding.ts'
import { IsletError, SERVER_CODES, USER_CODES, type ErrorCode } from '../../src/lib/errors.ts'
import { table } from '../../tools/markdown.ts'
import { fieldsOf } from './dialect-pages.ts'
import { noteOf } from './field-notes.ts'
import { valuesOf } from './field-values.ts'

const CHAT = 'POST /v1/chat/completions'
const HEADER = ['', 'Workers AI', 'Islet']

/** Inputs of text generation as Workers AI documents them, and what is said of ours where chat completions have no such field. */
export const INPUTS: Readonly<Record<string, { theirs: string; ours?: string }>> = {
  prompt: {
    theirs: 'a string',
    ours: 'a string, a message of the user; not beside `messages`, one of them is required',
  },
  raw: {
    theirs: 'boolean (`false`): no chat template',
    ours: 'boolean (`false`): the prompt is a text that goes on',
  },
  messages: { theirs: 'role and content' },
  stream: { theirs: 'boolean (`false`)' },
  max_tokens: { theirs: 'integer (`256`)' },
  temperature: { theirs: 'number, 0 to 5 (`0.6`)' },
  top_p: { theirs: 'number, 0 to 2' },
  top_k: { theirs: 'integer, 1 to 50' },
  seed: { theirs: 'integer, 1 to 9999999999' },
  repetition_penalty: { theirs: 'number, 0 to 2' },
  frequency_penalty: { theirs: 'number, 0 to 2' },
  presence_penalty: { theirs: 'number, 0 to 2' },
  response_format: {
    theirs: '`json_object`, or `json_schema` with the schema itself as `json_schema`',
    ours: "the same, and OpenAI's wrapper around a schema; the answer is held to it",
  },
  guided_json: { theirs: 'a schema, of some models', ours: 'the same' },
  tools: {
    theirs: 'functions, in a wrapper or, in the old form, without',
    ours: 'the same; arguments are held to their schema',
  },
  functions: { theirs: 'code to run', ours: 'refused' },
  lora: { theirs: 'the name of an adapter', ours: 'refused' },
}

/** What Workers AI's options do, in its words; ours come from what the binding does with them. */
export const OPTIONS: Readonly<Record<string, { theirs: string; ours?: string }>> = {
  returnRawResponse: {
    theirs: 'the response itself',
    ours: 'the same; an error is one too, with its status',
  },
  extraHeaders: {
    theirs: '`x-session-affinity` and others',
    ours: '`x-session-affinity` is the [key of the session](sessions.md); others are not looked at',
  },
  signal: {
    theirs: 'an AbortSignal',
    ours: 'through `islet/binding`; on the service itself a `DataCloneError` of the platform',
  },
  gateway: { theirs: 'an AI Gateway' },
  tags: { theirs: 'for the dashboard' },
  prefix: { theirs: 'in front of the model' },
  queueRequest: { theirs: 'a batch, answered later' },
  websocket: { theirs: 'a connection' },
}

const REPLIES: readonly string[][] = [
  ['`response`', 'text; with a JSON format what the JSON says', 'the same'],
  ['`tool_calls`', 'of name and arguments, or of id, type and function', 'each has both forms'],
  ['`usage`', 'tokens of prompt, completion and both', 'the same, and `prompt_tokens_details.cached_tokens`'],
  ['`choices`, `id`, `model`, ...', 'of some models', 'always, as a chat completion has them'],
  ['`islet`', '', 'session, window, what had no effect'],
  [
    'a native stream',
    '`{"response": "..."}`, usage, `[DONE]`',
    'the same, `tool_calls` in pieces, `finish_reason` and `islet` at the end',
  ],
  [
    "a stream in OpenAI's chunks",
    'of some models',
    'with `"stream": "openai"` in the `props`; never both in a chunk',
  ],
  ['no `max_tokens`', 'an answer of 256 tokens', 'until the model ends'],
]

/** A block for each table; `results` is what `npm run binding -- --save` keeps. */
export function bindingBlocks(results: string): [name: string, text: string][] {
  return [
    ['binding-speed', speedBlock(results)],
    ['mount-cost', mountBlock(results.replace('binding.json', 'mount.json'))],
    ['run-inputs', table(HEADER, Object.keys(INPUTS).map(inputRow), 3)],
    ['run-options', table(HEADER, Object.keys(OPTIONS).map(optionRow), 3)],
    ['run-replies', table(HEADER, REPLIES, 3)],
    ['run-errors', table(['code', 'status', 'Workers AI', 'here'], errorRows(), 4)],
    ['run-methods', `${ABSENT.map((name) => `\`${name}\``).join(', ')}`],
  ]
}

const WAY_WORDS: Readonly<Record<Way, string>> = {
  http: 'a client, over HTTP, without another Worker',
  fetch: 'another Worker, over HTTP (`fetch` of the service)',
  binding: 'another Worker, through the binding',
}

function speedBlock(path: string): string {
  if (!existsSync(path)) return 'Not measured: `npm run binding -- --save`.'
  const { model, machine, rounds } = JSON.parse(readFileSync(path, 'utf8')) as BindingResult
  const of = (way: Way, value: (answer: Answer) => number): number =>
    median(rounds.map((round) => value(round[way])))
  const rate = ({ tokens, decode }: Answer): number => (tokens - 1) / decode
  const first = (answer: Answer): number => answer.first
  const rows = WAYS.map((way) => [
    WAY_WORDS[way],
    of(way, rate).toFixed(1),
    median(rounds.map((round) => rate(round[way]) / rate(round.fetch))).toFixed(3),
    (1000 * of(way, first)).toFixed(0),
    median(rounds.map((round) => round.fetch.first / round[way].first)).toFixed(3),
  ])
  return [
    table(['asked from', 'tokens a second', 'of HTTP', 'first token, ms', 'speed of HTTP'], rows),
    '',
    `\`${model}\`, medians of ${rounds.length} answers each way in turns, and of the ratios of each turn, on ${machine.cpu}. The goal is ${BINDING_GOAL} of HTTP from the same Worker, which is a hop that a client of Islet has not.`,
  ].join('\n')
}

function mountBlock(path: string): string {
  if (!existsSync(path)) return 'Not measured: `npm run mount -- --save`.'
  const { machine, count, rounds } = JSON.parse(readFileSync(path, 'utf8')) as MountResult
  const alone = median(rounds.map((round) => round.alone))
  const adds = median(rounds.map(({ alone, mounted }) => mounted - alone))
  return `A mounted API adds ${adds.toFixed(3)} ms to a request of ${alone.toFixed(3)} ms (\`GET /v1/models\` in workerd, medians of ${rounds.length} rows of ${count} each way in turns, on ${machine.cpu}). The goal is ${MOUNT_GOAL_MS} ms.`
}

function inputRow(name: string): string[] {
  const { theirs, ours } = INPUTS[name]
  if (ours !== undefined) return [`\`${name}\``, theirs, ours]
  const field = fieldsOf(CHAT).find((each) => each.name === name)
  if (field === undefined) throw new Error(`binding-tables.ts says nothing of ${name}`)
  const { without } = noteOf(CHAT, name)
  return [`\`${name}\``, theirs, `${valuesOf(field.schema)}${without === '' ? '' : ` (${without})`}`]
}

function optionRow(name: string): string[] {
  const { theirs, ours } = OPTIONS[name]
  const isOf = (names: readonly string[]): boolean => names.includes(name)
  const words =
    ours ??
    (isOf(WITHOUT_EFFECT) ? 'taken without effect, which `islet.ignored` says' : isOf(REFUSED) && 'refused')
  if (!words) throw new Error(`binding-tables.ts says nothing of the option ${name}`)
  return [`\`${name}\``, theirs, words]
}

/** Codes that come of a request at HTTP's door, or of the command line, reach no caller of the binding. */
const NO_CALLER: readonly ErrorCode[] = [
  'invalid_api_key',
  'insufficient_scope',
  'origin_not_allowed',
  'method_not_allowed',
  'unsupported_encoding',
  'unsupported_format',
  'invalid_file',
]

function errorRows(): string[][] {
  const named = Object.entries(INTERNAL_CODES)
  const mapped = named.flatMap(([, { codes }]) => codes)
  const others = [...USER_CODES, ...SERVER_CODES].filter((code) => !mapped.includes(code))
  const all = [[String(INVALID_INPUT), { name: 'Invalid input', codes: others }] as const, ...named]
  return all.map(([internal, { name, codes }]) => {
    const ours = codes.filter((code) => !NO_CALLER.includes(code))
    const statuses = ours.map((code) => failureOf(new IsletError(code, '')).status)
    return [
      internal,
      [...new Set(statuses)].sort().join(', '),
      name,
      ours.map((code) => `\`${code}\``).join(', '),
    ]
  })
}
