// Chat templates that do not end, in the real worker: a 400 each, after which it answers as before.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FLOAT_MODEL } from '../../bench/quant-loss.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { startWorker, type TestWorker } from '../helpers/worker.ts'

/** The message says which. */
const TEMPLATE =
  "{% set what = messages[0].content %}{% if what == 'loop' %}{% for i in range(100000) %}{% for j in range(100000) %}x" +
  "{% endfor %}{% endfor %}{% elif what == 'deep' %}{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}" +
  "{% elif what == 'large' %}{% set ns = namespace(s='abcdefgh') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}" +
  '{% endfor %}{{ ns.s }}{% endif %}{{ what }}'

let folder: string
let worker: TestWorker

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'islet-template-'))
  const source = await openSource(FLOAT_MODEL)
  await packToFolder(source, join(folder, 'model'), { quant: 'q8' }).finally(() => source.close())
  const path = join(folder, 'model', 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest
  manifest.chat = { kind: 'jinja', template: TEMPLATE }
  writeFileSync(path, JSON.stringify(manifest))
  worker = await startWorker(join(folder, 'model'))
})
afterAll(async () => {
  await worker?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function say(content: string): Promise<{ status: number; text: string }> {
  const body = { model: worker.model, messages: [{ role: 'user', content }], max_tokens: 4 }
  const response = await fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

it.each([
  ['loop', /takes more than 2000000 steps/],
  ['deep', /is nested deeper than 800 levels/],
  ['large', /makes a value of 8388608 characters/],
])('%s', async (content, message) => {
  const { status, text } = await say(content)
  expect(text).toMatch(message)
  expect(status).toBe(400)
  expect(await say('the light')).toMatchObject({ status: 200 })
})

it('62,000 empty messages', async () => {
  const messages = Array.from({ length: 62_000 }, () => ({ role: 'user', content: '' }))
  const response = await fetch(`${worker.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: worker.model, messages }),
  })
  expect(response.status, await response.text()).toBe(400)
})
