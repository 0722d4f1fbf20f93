// Copy-as writes the request that a view would send as a program of somebody else's client.

/** A streamed chat or a decision, as the page sends them; see state/focus.ts. */
export type CopiedRequest = { path: string; body: Json }
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

/** The clients that can send it. */
export function programsFor({ path }: { path: string }): ProgramId[] {
  const ids = Object.keys(PROGRAMS) as ProgramId[]
  return path === CHAT ? ids : ids.filter((id) => id !== 'ai-sdk')
}

/** `text` as one word of a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** JSON as an expression of JavaScript, where the plain name would set a prototype. */
export function jsLiteral(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll('"__proto__":', '["__proto__"]:')
}

/** JSON as an expression of Python; strings are the same in both. */
export function pythonLiteral(value: unknown): string {
  const words: Record<string, string> = { null: 'None', true: 'True', false: 'False' }
  return JSON.stringify(value, null, 4).replace(/"(\\.|[^"\\])*"|[a-z]{4,}/g, (text) => words[text] ?? text)
}

/** The lines behind the first, further in. */
function within(text: string, indent: string): string {
  return text.replaceAll('\n', `\n${indent}`)
}

function curl({ path, body }: CopiedRequest, { origin, hasKey }: Target): string {
  const words = [
    `curl -N ${shellWord(origin + path)}`,
    hasKey && `-H ${shellWord(`authorization: Bearer ${PLACEHOLDER}`)}`,
    `-H ${shellWord('content-type: application/json')}`,
    `-d ${shellWord(JSON.stringify(body, null, 2))}`,
  ]
  return `${words.filter(Boolean).join(' \\\n  ')}\n`
}

function openaiNode({ path, body }: CopiedRequest, { origin, hasKey }: Target): string {
  const client = jsLiteral({ baseURL: `${origin}/v1`, apiKey: hasKey ? PLACEHOLDER : 'none' })
  const [api, print] =
    path === CHAT
      ? [
          'chat.completions',
          "for await (const chunk of reply) process.stdout.write(chunk.choices[0]?.delta?.content ?? '')",
        ]
      : ['decisions', 'console.log(JSON.stringify(reply.answers, null, 2))']
  return `import OpenAI from 'openai'

const client = new OpenAI(${client})

const reply = await client.${api}.create(${jsLiteral(body)})
${print}
`
}

/** What `create` takes by name; all else goes into `extra_body`, which may hold anything. */
const PYTHON_NAMES = 'model messages input questions stream stream_options temperature top_p seed max_tokens logprobs top_logprobs response_format prompt_cache_key' // prettier-ignore

function openaiPython({ path, body }: CopiedRequest, { origin, hasKey }: Target): string {
  const names = PYTHON_NAMES.split(' ')
  const given = Object.entries(body).filter(([name]) => names.includes(name))
  const extra = Object.entries(body).filter(([name]) => !names.includes(name))
  if (extra.length > 0) given.push(['extra_body', Object.fromEntries(extra)])
  const fields = given
    .map(([name, value]) => `    ${name}=${within(pythonLiteral(value), '    ')},\n`)
    .join('')
  const [api, print] =
    path === CHAT
      ? [
          'chat.completions',
          'for chunk in reply:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)',
        ]
      : ['decisions', 'for answer in reply.answers:\n    print(answer.model_dump_json())']
  return `from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key="${hasKey ? PLACEHOLDER : 'none'}")

reply = client.${api}.create(
${fields})
${print}
`
}

/** Fields of a chat that the AI SDK has a word of its own for. */
const AI_SDK_WORDS: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  seed: 'seed',
  top_p: 'topP',
  max_tokens: 'maxOutputTokens',
}
/** What it sends, or leaves out, by itself. */
const AI_SDK_OWN = ['model', 'messages', 'stream', 'stream_options', 'response_format']

function aiSdk({ body }: CopiedRequest, { origin, hasKey }: Target): string {
  const { model, messages, response_format } = body as {
    model?: string
    messages: { role: string; content: string }[]
    response_format?: { json_schema: { schema: unknown } }
  }
  const schema = response_format?.json_schema.schema
  const isSystem = messages[0]?.role === 'system'
  const extra = Object.entries(body).filter(([name]) => !AI_SDK_OWN.includes(name) && !(name in AI_SDK_WORDS))
  const provider = jsLiteral({
    name: 'islet',
    baseURL: `${origin}/v1`,
    ...(hasKey && { apiKey: PLACEHOLDER }),
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  const given = [
    `model: islet(${JSON.stringify(model)})`,
    isSystem && `system: ${JSON.stringify(messages[0].content)}`,
    `messages: ${jsLiteral(messages.slice(isSystem ? 1 : 0))}`,
    ...Object.entries(AI_SDK_WORDS).map(
      ([name, word]) => name in body && `${word}: ${jsLiteral(body[name])}`,
    ),
    schema !== undefined && `output: Output.object({ schema: jsonSchema(${jsLiteral(schema)}) })`,
    // Fields that it does not know go to the server under the provider's name.
    extra.length > 0 && `providerOptions: ${jsLiteral({ islet: Object.fromEntries(extra) })}`,
  ]
  return `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ${schema === undefined ? '' : 'jsonSchema, Output, '}streamText } from 'ai'

const islet = createOpenAICompatible(${provider})

const { textStream } = streamText({
${given
  .filter(Boolean)
  .map((line) => `  ${within(line as string, '  ')},\n`)
  .join('')}})
for await (const text of textStream) process.stdout.write(text)
`
}
