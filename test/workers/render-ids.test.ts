// A chat's prompt over HTTP has the ids that `islet render --ids` prints for the same body, and is cached by them.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FLOAT_MODEL } from '../../bench/quant-loss.ts'
import { command as render } from '../../cli/render.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

/** The mark of calls lets functions be offered. */
const FOR_TOOLS =
  '{% for t in tools %}{{ t | tojson }}{% endfor %}{{ level }}{% if more is defined %}{{ more | tojson }}{% endif %}{% for m in messages %}<{{ m.role }} {{ m.name }}>' +
  '{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}' +
  '{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content or [] %}[{{ p.text }}]{% endfor %}{% endif %}' +
  '{% for c in m.tool_calls or [] %}<tool_call>{{ c.id }}{{ c.function.name }}{{ c.function.arguments | tojson }}</tool_call>{% endfor %}' +
  '{{ m.tool_call_id }}{% if m.extra %}{{ m.extra | tojson }}{% endif %}{% endfor %}'
const PLAIN = '{% for m in messages %}{{ m.content }}{% endfor %}'

let folder: string
let worker: TestWorker

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'islet-render-'))
  const source = await openSource(FLOAT_MODEL)
  await packToFolder(source, join(folder, 'model'), { quant: 'q8' }).finally(() => source.close())
  const path = join(folder, 'model', 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
  manifest.chat = { kind: 'jinja', template: PLAIN, toolTemplate: FOR_TOOLS }
  writeFileSync(path, JSON.stringify(manifest))
  worker = await startWorker(join(folder, 'model'))
})
afterAll(async () => {
  await worker?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const TOOLS =
  '"tools":[{"type":"function","function":{"parameters":{"b":{"maximum":1.0},"10":1e16,"2":0.5},"name":"f"}}]'
const CALL = String.raw`{"id":"a","type":"function","function":{"name":"f","arguments":"{\"b\":1.0,\"10\":12345678901234567890}"}}`

it.each([
  ['a plain chat', '"messages":[{"role":"user","content":"the light"}]'],
  [
    'calls, results and thoughts',
    `${TOOLS},"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"reasoning_content":"why","tool_calls":[${CALL}]},{"role":"tool","tool_call_id":"a","name":"f","content":"1.0"}]`,
  ],
  [
    'parts, odd numbers and white space',
    `${TOOLS},"chat_template_kwargs":{"level":1.0,"more":{"z":1e-7,"7":-0.0}},"messages":[{"role":"user","content":[{"type":"text","text":" a\\u001f"},{"type":"text","text":"b\\ufeff"}],"extra":{"b":1E2,"1":[1.50]}}]`,
  ],
])('%s', async (_, fields) => {
  const body = bodyOf(fields)
  expect((await usageOf(body)).prompt_tokens).toBe((await renderedIds(body)).length)
})

const bodyOf = (fields: string): string =>
  `{"model":"${worker.model}","max_tokens":1,"temperature":0,"store":false,${fields}}`

/** What `islet render --ids` prints for a body. */
async function renderedIds(body: string): Promise<number[]> {
  const path = join(folder, 'body.json')
  writeFileSync(path, body)
  let printed = ''
  await render.run([join(folder, 'model'), '--messages', path, '--ids'], (text) => void (printed += text))
  return JSON.parse(printed) as number[]
}

type Usage = { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } }

async function usageOf(body: string): Promise<Usage> {
  const response = await fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const reply = (await response.json()) as { usage: Usage }
  expect({ status: response.status, reply }).toMatchObject({ status: 200 })
  return reply.usage
}

/** How many ids two prompts begin with alike. */
function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((id, i) => id !== b[i])
  return at < 0 ? a.length : at
}

/** A conversation's turns: each goes on with what the one before it sent. */
const TURNS = [
  '{"role":"user","content":[{"type":"text","text":" q\\u001f"},{"type":"text","text":"\\ufeffr"}]}',
  `{"role":"assistant","content":null,"reasoning_content":"why 1.0","tool_calls":[${CALL}]},{"role":"tool","tool_call_id":"a","name":"f","content":"12345678901234567890"}`,
  '{"role":"assistant","content":" so \\n"},{"role":"user","content":"and 1e16?","extra":{"b":1E2,"1":[1.50]}}',
]

it('the cached prefix of each following turn is that of the ids', async () => {
  let before: number[] | undefined
  for (let turns = 1; turns <= TURNS.length; turns++) {
    const body = bodyOf(`${TOOLS},"messages":[${TURNS.slice(0, turns).join(',')}]`)
    const [ids, usage] = [await renderedIds(body), await usageOf(body)]
    expect(usage.prompt_tokens).toBe(ids.length)
    if (before !== undefined) {
      // All that was sent before is the beginning of this prompt, and the last id is always computed.
      expect(commonPrefix(before, ids)).toBe(before.length)
      expect(usage.prompt_tokens_details.cached_tokens).toBe(Math.min(before.length, ids.length - 1))
    }
    before = ids
  }
})

it('one digit of an earlier call ends the cached prefix where it stands', async () => {
  const body = (call: string): string =>
    bodyOf(
      `${TOOLS},"messages":[{"role":"user","content":"digits"},{"role":"assistant","content":null,"tool_calls":[${call}]},{"role":"tool","tool_call_id":"a","content":"x"}]`,
    )
  const [first, other] = [body(CALL), body(CALL.replace('1.0', '1'))]
  await usageOf(first)
  const [a, b] = [await renderedIds(first), await renderedIds(other)]
  const common = commonPrefix(a, b)
  expect(common).toBeLessThan(Math.min(a.length, b.length))
  expect((await usageOf(other)).prompt_tokens_details.cached_tokens).toBe(common)
})
