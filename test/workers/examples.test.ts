// Each of examples/ is short, has the types that wrangler makes of its configuration, and answers beside Islet.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { sign } from 'hono/jwt'
import { beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLES, installExamples } from '../helpers/examples.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { ROOT, startWorker, type TestWorker } from '../helpers/worker.ts'

const MAX_LINES = 60
const WRANGLER = `${ROOT}node_modules/wrangler/bin/wrangler.js`
/** The types of the packages take their time where the machine does other things. */
const TYPES_MS = 240_000
const CONFIGS = ['-c', 'wrangler.jsonc', '-c', '../../wrangler.toml']

const SECRET = 'a secret of the test'

type Noted = { text: string; about: { title: string; topic: string } }
type Chunk = { type: string; delta?: string }
type Said = { kind: string; confidence: number; fields?: Record<string, unknown> }
type Helped = { text: string; tasks: string[] }

/** What each is asked once, and a path that answers without the model. */
const ASKED: Record<
  string,
  { ready: string; ask: (url: string) => Promise<void>; vars?: Record<string, string>; assets?: boolean }
> = {
  app: {
    ready: '/',
    vars: { SECRET },
    assets: true,
    async ask(url) {
      const body = 'Buy bread'
      expect((await fetch(`${url}/notes`, { method: 'POST', body })).status).toBe(401)
      expect((await fetch(`${url}/ai/v1/models`)).status).toBe(401)
      const bearer = async (sub: string, admin = false): Promise<{ headers: Record<string, string> }> => ({
        headers: { authorization: `Bearer ${await sign({ sub, admin }, SECRET, 'HS256')}` },
      })
      const ada = await bearer('ada')
      const noted = await fetch(`${url}/notes`, { method: 'POST', body, ...ada })
      const { text, about } = (await noted.json()) as Noted
      expect([text, Object.keys(about)]).toEqual([body, ['title', 'topic']])
      const chat = { messages: [{ role: 'user', content: body }], max_tokens: 8, stream: true }
      const asked = { method: 'POST', body: JSON.stringify(chat) }
      const answer = await fetch(`${url}/ai/v1/chat/completions`, { ...asked, ...ada })
      expect(await answer.text()).toContain('data: [DONE]')
      const sessions = async (init: RequestInit): Promise<unknown[]> =>
        ((await (await fetch(`${url}/ai/v1/sessions`, init)).json()) as { data: unknown[] }).data
      expect(await sessions(ada)).toHaveLength(2)
      expect(await sessions(await bearer('bob'))).toEqual([])
      expect((await fetch(`${url}/ai/metrics`, ada)).status).toBe(403)
      expect((await fetch(`${url}/ai/metrics`, await bearer('eve', true))).status).toBe(200)
    },
  },
  chat: {
    ready: '/',
    async ask(url) {
      const message = { id: 'm1', role: 'user', parts: [{ type: 'text', text: 'In the beginning' }] }
      const post = (body: object) => fetch(`${url}/api/chat`, { method: 'POST', body: JSON.stringify(body) })
      const counts: number[] = []
      for (const id of ['one', 'two', 'three']) {
        const response = await post({ id, messages: [message] })
        expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1')
        const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('data: '))
        expect(frames.pop()).toBe('data: [DONE]')
        const chunks = frames.map((frame) => JSON.parse(frame.slice('data: '.length)) as Chunk)
        expect(chunks[0].type).toBe('start')
        expect(chunks.at(-1)?.type).toBe('finish')
        counts.push(chunks.filter(({ type }) => type === 'text-delta').length)
      }
      // Tokens are sampled, and one in 150 of the tiny model ends an answer: one may be short, not all.
      expect(Math.max(...counts)).toBeGreaterThan(2)
      expect((await post({ messages: [{ role: 'user' }] })).status).toBe(400)
    },
  },
  mail: {
    ready: '/',
    async ask(url) {
      const body = JSON.stringify({ text: 'You owe us 20 EUR for the bread.' })
      const response = await fetch(url, { method: 'POST', body })
      const { kind, confidence, fields } = (await response.json()) as Said
      expect(['bill', 'complaint', 'other']).toContain(kind)
      expect(confidence).toBeGreaterThan(1 / 3)
      const wanted: Record<string, string[]> = {
        bill: ['amount', 'currency'],
        complaint: ['product', 'angry'],
      }
      expect(fields && Object.keys(fields)).toEqual(wanted[kind])
    },
  },
  tags: {
    ready: '/',
    async ask(url) {
      const texts = [
        'My invoice is wrong: I paid 20 EUR twice.',
        'The printer is broken. Help at once!',
        'Hello.',
      ]
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(texts) })
      const ids = (await response.json()) as string[]
      expect([response.status, new Set(ids).size]).toEqual([202, 3])
      for (const id of ids) {
        let tagged = await fetch(`${url}/${id}`)
        while (tagged.status === 404) {
          await new Promise((resolve) => setTimeout(resolve, 200))
          tagged = await fetch(`${url}/${id}`)
        }
        for (const [tag, probability] of Object.entries((await tagged.json()) as Record<string, number>)) {
          expect(['urgent', 'money', 'broken']).toContain(tag)
          expect(probability).toBeGreaterThanOrEqual(0.5)
        }
      }
      expect((await fetch(`${url}/nothing`)).status).toBe(404)
    },
  },
  agent: {
    ready: '/agents/helper/nobody',
    async ask(url) {
      const mine = `${url}/agents/helper/mine`
      const response = await fetch(mine, { method: 'POST', body: 'Buy bread' })
      const { text, tasks } = (await response.json()) as Helped
      // The choice `required` asks for at least one call: a sampled answer may hold a second one.
      expect(tasks.length).toBeGreaterThanOrEqual(1)
      for (const task of tasks) expect(task.length).toBeGreaterThanOrEqual(3)
      expect(text).toBeTypeOf('string')
      const state = (await (await fetch(mine)).json()) as { tasks: string[]; messages: { role: string }[] }
      expect(state.tasks).toEqual(tasks)
      // What is told of the task is sampled, and may be nothing: then the kit keeps no message of it.
      const told = text === '' ? [] : ['assistant']
      expect(state.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', ...told])
    },
  },
}

const folders = readdirSync(EXAMPLES, { withFileTypes: true })
const names = folders
  .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
  .map(({ name }) => name)

beforeAll(installExamples, 300_000)

test('each is asked here', () => {
  expect(names.sort()).toEqual(Object.keys(ASKED).sort())
})

describe.each(names)('%s', (name) => {
  const folder = `${EXAMPLES}/${name}`
  const run = (...args: string[]): void =>
    void execFileSync(process.execPath, args, { cwd: folder, stdio: 'pipe', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } }) // prettier-ignore

  test(`has at most ${MAX_LINES} lines`, () => {
    const lines = readFileSync(`${folder}/worker.ts`, 'utf8').trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(MAX_LINES)
    expect(lines[0]).toMatch(/^\/\/ /)
  })

  test(
    'has the types of its bindings, and fits them',
    () => {
      run(WRANGLER, 'types', 'env.d.ts', '--check', '--include-runtime=false', ...CONFIGS)
      run(`${ROOT}node_modules/typescript/bin/tsc`, '--noEmit', '-p', '.')
    },
    TYPES_MS,
  )

  test('answers', async () => {
    const { ready: path, vars, assets } = ASKED[name]
    const caller = { config: `${folder}/wrangler.jsonc`, path, vars: { MODEL: 'tiny', ...vars }, assets }
    let worker: TestWorker | undefined
    try {
      worker = await startWorker(TINY_FOLDER, { WINDOW: '256' }, { caller })
      await ASKED[name].ask(worker.url)
    } finally {
      await worker?.stop()
    }
  })
})
