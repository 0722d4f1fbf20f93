// Real clients against the real worker: the cookbook's programs for openai-node run, and what the other clients sent when
// `npm run clients -- --record` ran their programs is answered as they read it.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHECKS } from '../../clients/answers.ts'
import { CLIENTS } from '../../clients/list.ts'
import { COOKBOOK, placeProgram, runProgram } from '../../clients/programs.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const RECORDED = `${ROOT}test/fixtures/clients`

type Schema = Record<string, unknown>
type Tool = { name: string; parameters?: Schema | null; input_schema?: Schema }
type Format = { type: string; schema?: Schema; json_schema?: { schema: Schema } }
type Body = {
  model?: string
  stream?: boolean
  response_format?: Format
  text?: { format?: Format }
  format?: Schema | 'json' | ''
  output_config?: { format?: Format }
  structured_outputs?: { json?: Schema | string; regex?: string; choice?: string[] }
  tools?: (Tool & { function?: Tool })[]
  functions?: Tool[]
  tool_choice?: string | object
  function_call?: string | object
  prompt?: unknown
  n?: number
  questions?: { type: string; choices?: { value: string }[] }[]
}
type Recorded = { path: string; body: Body }
/** What a reply says in any dialect: its text, and its calls. */
type Said = { text: string; calls: { name: string; arguments: string }[] }

let worker: TestWorker
beforeAll(async () => {
  worker = await startWorker(TINY_FOLDER)
})
afterAll(async () => {
  await worker?.stop()
})

const [{ programs = [] }] = CLIENTS.filter(({ id }) => id === 'openai-node')
it.each(programs)(
  'the program $file of the cookbook prints what it should',
  async ({ file, prints = 'answers' }) => {
    // Inside the tree, where the packages that it imports are found.
    const folder = mkdtempSync(`${ROOT}build/cookbook-`)
    try {
      const copy = placeProgram(`${COOKBOOK}/${file}`, folder, worker)
      const { code, stdout, stderr } = await runProgram(copy)
      expect(stderr).toBe('')
      expect(code).toBe(0)
      expect(stdout.trim().split('\n').length).toBeGreaterThan(1)
      CHECKS[prints](stdout)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

it('there is a recording of every client whose dialect is served', () => {
  const kept = readdirSync(RECORDED).map((file) => file.replace('.json', ''))
  const ids = CLIENTS.map(({ id }) => id)
  expect(kept.filter((id) => !ids.includes(id))).toEqual([])
  expect(ids.filter((id) => !kept.includes(id))).toEqual([])
})

/** Throws unless `text` is JSON that the schema allows; formats and unknown keywords say nothing. */
function expectValid(schema: Schema, text: string): void {
  const { $schema: _, ...rest } = schema
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(rest)
  expect(validate(JSON.parse(text)), text).toBe(true)
}

/** The JSON of a stream's frames; `[DONE]` is none. */
function framesOf<T>(text: string): T[] {
  const lines = text.split('\n').filter((line) => line.startsWith('data: {'))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)) as T)
}

type Call = { index?: number; function: { name?: string; arguments?: string } }
type Message = {
  content?: string | null
  tool_calls?: Call[]
  function_call?: { name?: string; arguments?: string }
}

/** A whole message, or one put together from deltas. */
function fromMessages(messages: readonly Message[]): Said {
  const said: Said = { text: '', calls: [] }
  for (const { content, tool_calls: calls = [], function_call: old } of messages) {
    said.text += content ?? ''
    const pieces = old === undefined ? calls : [{ index: 0, function: old }]
    for (const [at, { index = at, function: piece }] of pieces.entries()) {
      said.calls[index] ??= { name: '', arguments: '' }
      said.calls[index].name += piece.name ?? ''
      said.calls[index].arguments += piece.arguments ?? ''
    }
  }
  return said
}

type Item = { type: string; name: string; arguments: string; content: { text: string }[] }

function fromItems(output: readonly Item[]): Said {
  const texts = output.flatMap(({ type, content }) => (type === 'message' ? content : []))
  const calls = output.filter(({ type }) => type === 'function_call')
  return { text: texts.map(({ text }) => text).join(''), calls }
}

/** Ollama's answers are lines of JSON, a whole one is one line. */
function fromLines(text: string): Said {
  type Line = { message?: OllamaMessage; response?: string }
  type OllamaMessage = { content: string; tool_calls?: { function: { name: string; arguments: object } }[] }
  const lines = text.trim().split('\n').map((line) => JSON.parse(line) as Line) // prettier-ignore
  const calls = lines.flatMap(({ message }) => message?.tool_calls ?? [])
  return {
    text: lines.map(({ message, response }) => message?.content ?? response ?? '').join(''),
    calls: calls.map(({ function: { name, arguments: given } }) => ({
      name,
      arguments: JSON.stringify(given),
    })),
  }
}

type Block = { type: string; text: string; name: string; input: unknown }
type Event = {
  type: string
  index: number
  content_block: Block
  delta: { text?: string; partial_json?: string }
}

function fromBlocks(blocks: readonly Block[]): Said {
  const texts = blocks.flatMap(({ type, text }) => (type === 'text' ? [text] : []))
  const calls = blocks.flatMap(({ type, name, input }) =>
    type === 'tool_use' ? [{ name, arguments: JSON.stringify(input) }] : [],
  )
  return { text: texts.join(''), calls }
}

/** The blocks that named events come to. */
function blocksOf(events: readonly Event[]): Block[] {
  expect(events.at(-1)?.type).toBe('message_stop')
  return events
    .filter(({ type }) => type === 'content_block_start')
    .map(({ index, content_block: block }) => {
      const deltas = events.flatMap((each) => (each.type === 'content_block_delta' && each.index === index ? [each.delta] : [])) // prettier-ignore
      const json = deltas.map((delta) => delta.partial_json ?? '').join('')
      const text = deltas.map((delta) => delta.text ?? '').join('')
      return { ...block, text, ...(json !== '' && { input: JSON.parse(json) as unknown }) }
    })
}

function saidIn(text: string, path: string, streamed: boolean): Said {
  if (path.startsWith('/api/')) return fromLines(text)
  if (path.split('?')[0].endsWith('/messages'))
    return fromBlocks(
      streamed ? blocksOf(framesOf(text)) : (JSON.parse(text) as { content: Block[] }).content,
    )
  if (path.endsWith('/responses')) {
    if (!streamed) return fromItems((JSON.parse(text) as { output: Item[] }).output)
    return fromItems(framesOf<{ response: { output: Item[] } }>(text).at(-1)?.response.output ?? [])
  }
  if (!streamed) return fromMessages((JSON.parse(text) as { choices: { message: Message }[] }).choices.map(({ message }) => message)) // prettier-ignore
  return fromMessages(framesOf<{ choices: { delta: Message }[] }>(text).flatMap(({ choices }) => choices.map(({ delta }) => delta))) // prettier-ignore
}

type Choice = { index: number; text: string }

/** Throws unless a completion has each answer to each prompt once. */
function expectAnswers({ prompt, n = 1, stream }: Body, text: string): void {
  const choices =
    stream === true
      ? framesOf<{ choices: Choice[] }>(text).flatMap((frame) => frame.choices)
      : (JSON.parse(text) as { choices: Choice[] }).choices
  for (const { text: piece } of choices) expect(piece).toEqual(expect.any(String))
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1
  const wanted = Array.from({ length: prompts * n }, (_, index) => index)
  expect([...new Set(choices.map(({ index }) => index))].sort()).toEqual(wanted)
}

/** Checks of paths whose replies are no answers with a form. */
const OTHERS: readonly [path: RegExp, status: number, check: (body: Body, text: string) => void][] = [
  [/\/v1\/completions$/, 200, expectAnswers],
  [
    /_tokens$/,
    200,
    (_, text) => expect((JSON.parse(text) as { input_tokens: number }).input_tokens).toBeGreaterThan(0),
  ],
  [
    /\/v1\/conversations$/,
    200,
    (_, text) => expect((JSON.parse(text) as { id: string }).id).toMatch(/^conv_/),
  ],
  // The embedded model declares no pooling.
  [
    /\/api\/embed/,
    400,
    (_, text) => expect((JSON.parse(text) as { error: string }).error).toContain('islet pack --pooling'),
  ],
]

/** Throws unless the reply keeps what the body asks of it. */
function expectKept(body: Body, { text, calls }: Said): void {
  const tools = body.functions ?? body.tools?.map((tool) => tool.function ?? tool) ?? []
  for (const { name, arguments: given } of calls) {
    const offered = tools.find((tool) => tool.name === name)
    expectValid(
      offered?.parameters ?? offered?.input_schema ?? { type: offered === undefined ? 'null' : 'object' },
      given,
    )
  }
  const asked = body.tool_choice ?? body.function_call ?? 'auto'
  const choice = typeof asked === 'object' && 'type' in asked ? asked.type : asked
  if (choice !== 'auto' && choice !== 'none') expect(calls.length).toBeGreaterThan(0)
  if (calls.length > 0) return
  const format: Format | undefined = body.response_format ?? body.text?.format ?? body.output_config?.format
  if (format !== undefined && format.type !== 'text')
    expectValid(format.json_schema?.schema ?? format.schema ?? { type: 'object' }, text)
  if (body.format) expectValid(body.format === 'json' ? { type: 'object' } : body.format, text)
  const { json, regex, choice: texts } = body.structured_outputs ?? {}
  if (json !== undefined) expectValid((typeof json === 'string' ? JSON.parse(json) : json) as Schema, text)
  if (regex !== undefined) expect(text).toMatch(new RegExp(`^(?:${regex})$`))
  if (texts !== undefined) expect(texts).toContain(text)
}

/** What asks for scores and vectors has other forms of answers: lm-eval.test.ts, embeddings.test.ts. */
const ANSWERED = readdirSync(RECORDED).filter((file) => !/^(lm-eval|embeddings)/.test(file))

describe.each(ANSWERED)('what was sent for %s', (file) => {
  const recorded = JSON.parse(readFileSync(`${RECORDED}/${file}`, 'utf8')) as Recorded[]
  it.each(recorded.map(({ path, body }, index) => ({ path, body, index })))(
    'request $index to $path is answered by its form',
    async ({ path, body }) => {
      const asked = { ...body, ...(body.model !== undefined && { model: worker.model }) }
      const response = await fetch(`${worker.url}${path}`, { method: 'POST', body: JSON.stringify(asked) })
      const text = await response.text()
      const [, status, check] = OTHERS.find(([other]) => other.test(path.split('?')[0])) ?? [undefined, 200]
      expect(response.status, text).toBe(status)
      if (check !== undefined) return check(body, text)
      if (body.questions === undefined) return expectKept(body, saidIn(text, path, body.stream === true))
      const { answers } = JSON.parse(text) as { answers: { type: string; choice?: string }[] }
      expect(answers.map(({ type }) => type)).toEqual(body.questions.map(({ type }) => type))
      for (const [index, { choices }] of body.questions.entries())
        if (choices !== undefined) expect(choices.map(({ value }) => value)).toContain(answers[index].choice)
    },
  )
})
