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
const isChat = ({ path }: { path: string }): boolean => path === '/v1/chat/completions'

/** The clients that can send it. */
export function programsFor(request: { path: string }): ProgramId[] {
  const ids = Object.keys(PROGRAMS) as ProgramId[]
  return isChat(request) ? ids : ids.filter((id) => id !== 'ai-sdk')
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

/** Arguments a line each, the lines behind the first further in. */
function indented(lines: readonly unknown[], indent: string): string {
  return lines
    .filter(Boolean)
    .map((line) => `${indent}${String(line).replaceAll('\n', `\n${indent}`)},\n`)
    .join('')
}

/** The fields of a body with names that `isKnown` takes, and the others. */
function parted(body: Json, isKnown: (name: string) => boolean): [known: [string, unknown][], others?: Json] {
  const others = Object.entries(body).filter(([name]) => !isKnown(name))
  return [
    Object.entries(body).filter(([name]) => isKnown(name)),
    others.length > 0 ? Object.fromEntries(others) : undefined,
  ]
}

function curl({ path, body }: CopiedRequest, { origin, hasKey }: Target): string {
  const words = [
    `curl -N ${shellWord(origin + path)}`,
    hasKey && `-H 'authorization: Bearer ${PLACEHOLDER}'`,
    "-H 'content-type: application/json'",
    `-d ${shellWord(JSON.stringify(body, null, 2))}`,
  ]
  return `${words.filter(Boolean).join(' \\\n  ')}\n`
}

function openaiNode(request: CopiedRequest, { origin, hasKey }: Target): string {
  const [api, print] = isChat(request)
    ? [
        'chat.completions',
        "for await (const { choices } of reply) process.stdout.write(choices[0]?.delta?.content ?? '')",
      ]
    : ['decisions', 'console.log(JSON.stringify(reply.answers))']
  return `import OpenAI from 'openai'

const client = new OpenAI(${jsLiteral({ baseURL: `${origin}/v1`, apiKey: hasKey ? PLACEHOLDER : 'none' })})

const reply = await client.${api}.create(${jsLiteral(request.body)})
${print}
`
}

/** What `create` does not take by name goes into `extra_body`. */
const ISLET_FIELDS = ['truncation', 'top_k', 'min_p', 'repetition_penalty', 'islet']

function openaiPython(request: CopiedRequest, { origin, hasKey }: Target): string {
  const [given, extra] = parted(request.body, (name) => !ISLET_FIELDS.includes(name))
  if (extra) given.push(['extra_body', extra])
  const [api, print] = isChat(request)
    ? [
        'chat.completions',
        'for chunk in reply:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)',
      ]
    : ['decisions', 'for answer in reply.answers:\n    print(answer.model_dump_json())']
  return `from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key="${hasKey ? PLACEHOLDER : 'none'}")

reply = client.${api}.create(
${indented(
  given.map(([name, value]) => `${name}=${pythonLiteral(value)}`),
  '    ',
)})
${print}
`
}

/** Fields of a chat by what the AI SDK calls them; empty: it sends them by itself, or they are an argument of their own. */
const AI_SDK: Readonly<Record<string, string>> = {
  ...{ model: '', messages: '', stream: '', stream_options: '', response_format: '' },
  ...{ temperature: 'temperature', seed: 'seed', top_p: 'topP', max_tokens: 'maxOutputTokens' },
}

function aiSdk({ body }: CopiedRequest, { origin, hasKey }: Target): string {
  const { model, messages, response_format } = body as {
    model?: string
    messages: { role: string; content: string }[]
    response_format?: { json_schema: { schema: unknown } }
  }
  const [known, islet] = parted(body, (name) => name in AI_SDK)
  const [first, ...others] = messages
  const isSystem = first?.role === 'system'
  const provider = jsLiteral({
    name: 'islet',
    baseURL: `${origin}/v1`,
    apiKey: hasKey ? PLACEHOLDER : undefined,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  const given = [
    `model: islet(${JSON.stringify(model)})`,
    isSystem && `system: ${JSON.stringify(first.content)}`,
    `messages: ${jsLiteral(isSystem ? others : messages)}`,
    ...known.map(([name, value]) => AI_SDK[name] && `${AI_SDK[name]}: ${jsLiteral(value)}`),
    response_format &&
      `output: Output.object({ schema: jsonSchema(${jsLiteral(response_format.json_schema.schema)}) })`,
    // Fields that it does not know go to the server under the provider's name.
    islet && `providerOptions: ${jsLiteral({ islet })}`,
  ]
  return `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { jsonSchema, Output, streamText } from 'ai'

const islet = createOpenAICompatible(${provider})

const { textStream } = streamText({
${indented(given, '  ')}})
for await (const text of textStream) process.stdout.write(text)
`
}
