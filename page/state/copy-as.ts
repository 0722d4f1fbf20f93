// Copy-as writes the request that a view would send as a program of somebody else's client.

/** A request of the page; see state/focus.ts. */
export type CopiedRequest = { method: string; path: string; body: unknown }
/** `origin`: where the server is, without `/v1`. `hasKey`: a placeholder stands where a key belongs. */
export type Target = { origin: string; hasKey: boolean }

type Json = Record<string, unknown>
type Writer = (request: CopiedRequest, target: Target) => string

export const PROGRAMS = {
  curl: { title: 'curl', needs: '', write: curl },
  'openai-node': { title: 'OpenAI for Node', needs: 'npm install openai', write: openaiNode },
  'openai-python': { title: 'OpenAI for Python', needs: 'pip install openai', write: openaiPython },
  'ai-sdk': { title: 'AI SDK', needs: 'npm install ai @ai-sdk/openai-compatible', write: aiSdk },
} satisfies Record<string, { title: string; needs: string; write: Writer }>

export type ProgramId = keyof typeof PROGRAMS

const PLACEHOLDER = 'YOUR_KEY'
const CHAT = '/v1/chat/completions'
const DECISIONS = '/v1/decisions'

/** The clients that can send it. */
export function programsFor({ path }: CopiedRequest): ProgramId[] {
  const ids = Object.keys(PROGRAMS) as ProgramId[]
  return path === CHAT ? ids : ids.filter((id) => id !== 'ai-sdk')
}

/** `text` as one word of a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** JSON as an expression of JavaScript; `indent`: spaces that its lines begin with. */
export function jsLiteral(value: unknown, indent = 0): string {
  // In a literal the plain name would set the prototype.
  const nameOf = (key: string): string =>
    key === '__proto__' ? '["__proto__"]' : /^[a-z_]\w*$/i.test(key) ? key : JSON.stringify(key)
  return literal(value, indent, { nameOf, plain: String })
}

/** JSON as an expression of Python. */
export function pythonLiteral(value: unknown, indent = 0): string {
  const words: Record<string, string> = { null: 'None', true: 'True', false: 'False' }
  const plain = (text: unknown): string => words[String(text)] ?? String(text)
  return literal(value, indent, { nameOf: JSON.stringify, plain, step: 4 })
}

type Spelling = { nameOf(key: string): string; plain(value: unknown): string; step?: number }

/** Strings are JSON's, which both languages read as they are; short lists stand in one line. */
function literal(value: unknown, indent: number, spelling: Spelling): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value === null || typeof value !== 'object') return spelling.plain(value)
  const within = indent + (spelling.step ?? 2)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const parts = Array.isArray(value)
    ? value.map((item) => literal(item, within, spelling))
    : Object.entries(value as Json)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${spelling.nameOf(key)}: ${literal(item, within, spelling)}`)
  const pad = open === '{' && spelling.step === undefined ? ' ' : ''
  const line = parts.length === 0 ? open + close : `${open}${pad}${parts.join(', ')}${pad}${close}`
  if (line.length <= 80 && !line.includes('\n')) return line
  const [outer, inner] = [indent, within].map((spaces) => `\n${' '.repeat(spaces)}`)
  return `${open}${parts.map((part) => `${inner}${part},`).join('')}${outer}${close}`
}

function curl({ method, path, body }: CopiedRequest, { origin, hasKey }: Target): string {
  const isStreamed = (body as Json | undefined)?.['stream'] === true
  const words = [
    `curl ${isStreamed ? '-N ' : ''}${method === 'POST' ? '' : `-X ${method} `}${shellWord(origin + path)}`,
    ...(hasKey ? [`-H ${shellWord(`authorization: Bearer ${PLACEHOLDER}`)}`] : []),
    ...(body === undefined
      ? []
      : [
          `-H ${shellWord('content-type: application/json')}`,
          `-d ${shellWord(JSON.stringify(body, null, 2))}`,
        ]),
  ]
  return `${words.join(' \\\n  ')}\n`
}

function openaiNode({ method, path, body }: CopiedRequest, { origin, hasKey }: Target): string {
  const client = jsLiteral({ baseURL: `${origin}/v1`, apiKey: keyOf(hasKey) })
  const head = `import OpenAI from 'openai'\n\nconst client = new OpenAI(${client})\n\n`
  const fields = jsLiteral(body)
  if (path === CHAT && (body as Json)['stream'] === true)
    return `${head}const stream = await client.chat.completions.create(${fields})
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '')
`
  if (path === CHAT)
    return `${head}const answer = await client.chat.completions.create(${fields})
console.log(answer.choices[0].message.content)
`
  if (path === DECISIONS)
    return `${head}const { answers } = await client.decisions.create(${fields})
console.log(JSON.stringify(answers, null, 2))
`
  const options = body === undefined ? '' : `, ${jsLiteral({ body })}`
  return `${head}console.log(await client.${method.toLowerCase()}(${JSON.stringify(pathOf(path))}${options}))\n`
}

/** What `create` takes by name; all else goes into `extra_body`, which may hold anything. */
const PYTHON_NAMES: Readonly<Record<string, readonly string[]>> = {
  [CHAT]: ['model', 'messages', 'stream', 'stream_options', 'temperature', 'top_p', 'seed', 'max_tokens', 'stop', 'logprobs', 'top_logprobs', 'response_format', 'prompt_cache_key', 'presence_penalty', 'frequency_penalty', 'n', 'store'], // prettier-ignore
  [DECISIONS]: ['model', 'input', 'questions'],
}

function openaiPython({ method, path, body }: CopiedRequest, { origin, hasKey }: Target): string {
  const key = JSON.stringify(keyOf(hasKey))
  const head = `from openai import OpenAI\n\nclient = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key=${key})\n\n`
  const names = PYTHON_NAMES[path]
  if (names === undefined) {
    const given = body === undefined ? '' : `, body=${pythonLiteral(body)}`
    const call = `client.${method.toLowerCase()}(${JSON.stringify(pathOf(path))}, cast_to=object${given})`
    return `${head}print(${call})\n`
  }
  const fields = Object.entries(body as Json).filter(([, value]) => value !== undefined)
  const known = fields.filter(([name]) => names.includes(name))
  const extra = fields.filter(([name]) => !names.includes(name))
  const given = [...known, ...(extra.length > 0 ? [['extra_body', Object.fromEntries(extra)] as const] : [])]
  const call = `.create(\n${given.map(([name, value]) => `    ${name}=${pythonLiteral(value, 4)},\n`).join('')})\n`
  if (path === DECISIONS)
    return `${head}reply = client.decisions${call}for answer in reply.answers:\n    print(answer.model_dump_json())\n`
  if ((body as Json)['stream'] !== true)
    return `${head}answer = client.chat.completions${call}print(answer.choices[0].message.content)\n`
  return `${head}stream = client.chat.completions${call}for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
`
}

/** Fields of a chat that the AI SDK has a word of its own for. */
const AI_SDK_WORDS: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'topP',
  max_tokens: 'maxOutputTokens',
  seed: 'seed',
  stop: 'stopSequences',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
}
/** What it sends, or leaves out, by itself. */
const AI_SDK_OWN = ['model', 'messages', 'stream', 'stream_options', 'response_format']

function aiSdk({ body }: CopiedRequest, { origin, hasKey }: Target): string {
  const fields = body as Json & { messages: { role: string; content: string }[] }
  const format = fields['response_format'] as
    { json_schema?: { name?: string; schema?: unknown } } | undefined
  const schema = format?.json_schema?.schema
  const [first, ...others] = fields.messages
  const isSystem = first?.role === 'system'
  const own = Object.entries(AI_SDK_WORDS).filter(([name]) => fields[name] !== undefined)
  const extra = Object.fromEntries(
    Object.entries(fields).filter(([name]) => !(name in AI_SDK_WORDS) && !AI_SDK_OWN.includes(name)),
  )
  const provider = jsLiteral({
    name: 'islet',
    baseURL: `${origin}/v1`,
    ...(hasKey && { apiKey: PLACEHOLDER }),
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  const given = [
    `model: islet(${JSON.stringify(fields['model'])})`,
    ...(isSystem ? [`system: ${JSON.stringify(first.content)}`] : []),
    `messages: ${jsLiteral(isSystem ? others : fields.messages, 2)}`,
    ...own.map(([name, word]) => {
      const value = fields[name]
      return `${word}: ${jsLiteral(name === 'stop' && !Array.isArray(value) ? [value] : value, 2)}`
    }),
    ...(schema === undefined
      ? []
      : [`output: Output.object({ schema: jsonSchema(${jsLiteral(schema, 2)}) })`]),
    // Fields that it does not know go to the server under the provider's name.
    ...(Object.keys(extra).length > 0 ? [`providerOptions: ${jsLiteral({ islet: extra }, 2)}`] : []),
  ]
  const imports = schema === undefined ? 'streamText' : 'jsonSchema, Output, streamText'
  return `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ${imports} } from 'ai'

const islet = createOpenAICompatible(${provider})

const { textStream } = streamText({
${given.map((line) => `  ${line},\n`).join('')}})
for await (const text of textStream) process.stdout.write(text)
`
}

function keyOf(hasKey: boolean): string {
  return hasKey ? PLACEHOLDER : 'none'
}

/** As OpenAI's clients want it: behind the base URL, which ends in `/v1`. */
function pathOf(path: string): string {
  return path.replace(/^\/v1(?=\/)/, '')
}
