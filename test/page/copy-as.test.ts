// Copied programs: strings survive the shell, JavaScript and Python, and each program sends the very request.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  jsLiteral,
  PROGRAMS,
  programsFor,
  pythonLiteral,
  shellWord,
  type CopiedRequest,
  type ProgramId,
} from '../../page/state/copy-as.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const nasty = [`it's "so"`, '$(id) `id` ${x}', '\\', "'\\''", '\n\r\t\u2028\u2029', '</script>', '😀 é', '%s !x', '', '#{a} {b}', "'''", '"""', '\u0000\u001f'] // prettier-ignore
const text = fc.oneof(
  fc.constantFrom(...nasty),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
)
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, fc.constantFrom(null, true, false, 0, -1.5, 1e21, 1e-7), fc.integer(), text, fc.array(tie('any'), { maxLength: 4 }), fc.dictionary(fc.oneof(text, fc.constant('__proto__'), fc.constant('a_b')), tie('any'), { maxKeys: 4 })), // prettier-ignore
})).any
const sampled = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed: 7 })

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'islet-copy-'))))
afterAll(() => rmSync(folder, { recursive: true }))

describe('strings', () => {
  test('are one word of a shell, whatever is in them', () => {
    // A shell has no way to hold a NUL, and JSON writes none.
    const texts = [...nasty, ...sampled(text, 300)].map((each) => each.replaceAll('\0', '').toWellFormed())
    const script = texts.map((each) => `printf '%s\\0' ${shellWord(each)}`).join('\n')
    writeFileSync(join(folder, 'words.sh'), script)
    const said = execFileSync('sh', [join(folder, 'words.sh')]).toString()
    expect(said.split('\0').slice(0, -1)).toEqual(texts)
  })

  test('and values are the same in JavaScript', () => {
    fc.assert(
      fc.property(value, (given) => {
        const back = runInNewContext(`JSON.stringify(${jsLiteral(given)})`) as string
        expect(JSON.parse(back)).toEqual(JSON.parse(JSON.stringify(given)))
      }),
      { numRuns: 400 },
    )
  })

  test('and values are the same in Python', () => {
    const given = [...nasty, ...sampled(value, 400)]
    const script = `import json\nvalues = [\n${given.map((each) => `${pythonLiteral(each)},\n`).join('')}]\nprint(json.dumps(values))\n`
    writeFileSync(join(folder, 'values.py'), script)
    const back: unknown = JSON.parse(execFileSync('python3', [join(folder, 'values.py')]).toString())
    expect(back).toEqual(JSON.parse(JSON.stringify(given)))
  })
})

const messages = [
  { role: 'system', content: `Fill in it's "fields" \\ $HOME` },
  { role: 'user', content: 'Line 1\nLine 2 `id` 😀' },
]
const schema = { type: 'object', properties: { "it's": { type: 'string' }, n: { enum: [1, null, true] } } }
const CHAT: CopiedRequest = {
  path: '/v1/chat/completions',
  body: { model: 'm', messages, stream: true, temperature: 0.5, max_tokens: 9, top_k: 3, seed: 4, logprobs: true, islet: { logprobs: 'forced' }, response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } }, // prettier-ignore
}
const PLAIN: CopiedRequest = { ...CHAT, body: { model: 'm', messages, stream: true, min_p: 0.1 } }
const DECISION: CopiedRequest = {
  path: '/v1/decisions',
  body: { model: 'm', input: messages[1].content, questions: [{ type: 'predicate', name: null, instructions: "It's so." }], islet: { calibration: 'none' } }, // prettier-ignore
}
const REQUESTS = { CHAT, PLAIN, DECISION }

/** What came to a server that answers each kind of request in a few words. */
type Seen = { method: string; path: string; key: string | undefined; body: unknown }
let seen: Seen[] = []
let server: Server
let origin: string
beforeAll(async () => {
  server = createServer((request, response) => {
    let sent = ''
    request.on('data', (part: Buffer) => (sent += part.toString()))
    request.on('end', () => {
      const body = sent === '' ? undefined : (JSON.parse(sent) as { stream?: boolean })
      seen.push({ method: request.method ?? '', path: request.url ?? '', key: request.headers.authorization, body }) // prettier-ignore
      const message = { role: 'assistant', content: 'said' }
      if (body?.stream === true) {
        const chunk = { choices: [{ index: 0, delta: message, finish_reason: 'stop' }] }
        response.setHeader('content-type', 'text/event-stream')
        response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`)
      } else {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ choices: [{ message }], answers: ['said'], said: 'said' }))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env } })
    let out = ''
    let failure = ''
    child.stdout.on('data', (part: Buffer) => (out += part.toString()))
    child.stderr.on('data', (part: Buffer) => (failure += part.toString()))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(failure))))
  })
}

const programOf = (id: ProgramId, request: CopiedRequest, hasKey = false): string =>
  PROGRAMS[id].write(request, { origin, hasKey })

describe.each(Object.entries(REQUESTS))('%s', (_, request) => {
  test.each([true, false])('as curl sends itself, with a key: %s', async (hasKey) => {
    seen = []
    expect(await run('sh', ['-c', programOf('curl', request, hasKey)])).toContain('said')
    const key = hasKey ? 'Bearer YOUR_KEY' : undefined
    expect(seen).toEqual([{ method: 'POST', path: request.path, key, body: request.body }])
  })

  test('as OpenAI for Node sends itself', async () => {
    seen = []
    const program = programOf('openai-node', request, true)
    const said = await run(process.execPath, ['--input-type=module', '-e', program])
    expect(said).toContain('said')
    expect(seen).toEqual([{ method: 'POST', path: request.path, key: 'Bearer YOUR_KEY', body: request.body }])
  })

  test('as OpenAI for Python gives the client the same fields', async () => {
    // A stand-in for the package, which prints what it is called with.
    mkdirSync(join(folder, 'python'), { recursive: true })
    writeFileSync(
      join(folder, 'python/openai.py'),
      `import json
class Calls:
    def __init__(self, name): self.name = name
    def __getattr__(self, name): return Calls(self.name + "." + name)
    def __call__(self, *args, **given):
        print(json.dumps([self.name, list(args), given]))
        raise SystemExit(0)
class OpenAI(Calls):
    def __init__(self, base_url, api_key):
        self.name = "client"
        print(json.dumps([base_url, api_key]))
`,
    )
    const file = join(folder, 'program.py')
    writeFileSync(file, programOf('openai-python', request))
    await run('python3', ['-m', 'py_compile', file])
    const said = await run('python3', [file], { PYTHONPATH: join(folder, 'python') })
    const [made, called] = said.trim().split('\n').map((line) => JSON.parse(line) as unknown[]) // prettier-ignore
    expect(made).toEqual([`${origin}/v1`, 'none'])
    const [name, args, { extra_body, ...given }] = called as [string, unknown[], Record<string, object>]
    expect([name, args]).toEqual([request === DECISION ? 'client.decisions.create' : 'client.chat.completions.create', []]) // prettier-ignore
    expect({ ...given, ...extra_body }).toEqual(request.body)
  })
})

describe('as the AI SDK', () => {
  test.each([CHAT, PLAIN])('gives the package the same fields', async (request) => {
    const modules = join(folder, 'node_modules')
    const put = (name: string, program: string): void => {
      mkdirSync(join(modules, name), { recursive: true })
      writeFileSync(join(modules, name, 'package.json'), '{"type": "module", "exports": "./index.js"}')
      writeFileSync(join(modules, name, 'index.js'), program)
    }
    put(
      '@ai-sdk/openai-compatible',
      'export const createOpenAICompatible = (options) => (id) => ({ options, id })',
    )
    put('ai', `export const jsonSchema = (schema) => schema
      export const Output = { object: ({ schema }) => schema }
      export const streamText = (given) => ({ textStream: [JSON.stringify(given)] })`) // prettier-ignore
    const file = join(folder, 'program.mjs')
    writeFileSync(file, programOf('ai-sdk', request, true))
    const given = JSON.parse(await run(process.execPath, [file])) as Record<string, unknown>
    const body = request.body as Record<string, unknown>
    expect(given['model']).toEqual({
      id: 'm',
      options: { name: 'islet', baseURL: `${origin}/v1`, apiKey: 'YOUR_KEY', includeUsage: true, supportsStructuredOutputs: true }, // prettier-ignore
    })
    expect([given['system'], given['messages']]).toEqual([messages[0].content, messages.slice(1)])
    expect(given['output']).toEqual(request === CHAT ? schema : undefined)
    expect(given['temperature']).toBe(body['temperature'])
    expect(given['maxOutputTokens']).toBe(body['max_tokens'])
    const extra = request === CHAT ? ['top_k', 'logprobs', 'islet'] : ['min_p']
    expect(given['providerOptions']).toEqual({
      islet: Object.fromEntries(extra.map((name) => [name, body[name]])),
    })
  })

  test('is for chats alone', () => {
    expect(programsFor(CHAT)).toEqual(Object.keys(PROGRAMS))
    expect(programsFor(DECISION)).toEqual(['curl', 'openai-node', 'openai-python'])
  })
})
