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

function openaiPython(request: CopiedRequest, { origin, hasKey }: Target): string {
  // What `create` does not take by name goes into `extra_body`.
  const { truncation, top_k, min_p, repetition_penalty, islet, ...known } = request.body
  const given = { ...known, extra_body: { truncation, top_k, min_p, repetition_penalty, islet } }
  const lines = Object.entries(given).map(([name, value]) => `    ${name}=${pythonLiteral(value)},\n`)
  const [api, print] = isChat(request)
    ? [
        'chat.completions',
        'for chunk in reply:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)',
      ]
    : ['decisions', 'for answer in reply.answers:\n    print(answer.model_dump_json())']
  return `from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key="${hasKey ? PLACEHOLDER : 'none'}")

reply = client.${api}.create(
${lines.join('')})
${print}
`
}

function aiSdk({ body }: CopiedRequest, { origin, hasKey }: Target): string {
  // Those that it sends by itself or has a word of its own for; the others go to the server under the provider's name.
  const {
    model,
    messages,
    stream: _stream,
    stream_options: _usage,
    response_format,
    temperature,
    seed,
    top_p,
    max_tokens,
    ...others
  } = body as Json & {
    messages: { role: string; content: string }[]
    response_format?: { json_schema: { schema: unknown } }
  }
  const provider = jsLiteral({
    name: 'islet',
    baseURL: `${origin}/v1`,
    apiKey: hasKey ? PLACEHOLDER : undefined,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  const given = jsLiteral({
    system: messages.find(({ role }) => role === 'system')?.content,
    messages: messages.filter(({ role }) => role !== 'system'),
    temperature,
    seed,
    topP: top_p,
    maxOutputTokens: max_tokens,
    providerOptions: { islet: others },
  })
  const output =
    response_format &&
    `,\n  "output": Output.object({ schema: jsonSchema(${jsLiteral(response_format.json_schema.schema)}) })`
  return `import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { jsonSchema, Output, streamText } from 'ai'

const islet = createOpenAICompatible(${provider})

const { textStream } = streamText({
  "model": islet(${JSON.stringify(model)}),${given.slice(1, -2)}${output ?? ''}
})
for await (const text of textStream) process.stdout.write(text)
`
}
