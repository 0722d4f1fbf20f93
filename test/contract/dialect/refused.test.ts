// What is refused at the door is refused alike everywhere: with a status, a code and the field, before a lane is asked.

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HELLO } from '../../api/helpers.ts'
import { DIALECTS } from './dialects.ts'
import { keeping, refusalOf, serve } from './serve.ts'

const INVALID = 'invalid_request'

/** Wrong values of fields that all dialects have: the field that is named, and the code. */
const WRONG: [fields: Record<string, unknown>, param: string, code: string][] = [
  [{ bogus: 1 }, 'bogus', 'unknown_parameter'],
  [{ temprature: 1 }, 'temprature', 'unknown_parameter'],
  [{ toString: 1 }, 'toString', 'unknown_parameter'],
  [{ model: '' }, 'model', INVALID],
  [{ model: 5 }, 'model', INVALID],
  [{ stream: 'yes' }, 'stream', INVALID],
  [{ store: 1 }, 'store', INVALID],
  [{ temperature: '1' }, 'temperature', INVALID],
  [{ temperature: 2.1 }, 'temperature', INVALID],
  [{ top_p: -1 }, 'top_p', INVALID],
  [{ top_k: 1.5 }, 'top_k', INVALID],
  [{ seed: 'x' }, 'seed', INVALID],
  [{ stop: ['a', 5] }, 'stop[1]', INVALID],
  [{ stop: 's'.repeat(1001) }, 'stop', INVALID],
  [{ stop: ['a', 's'.repeat(1001)] }, 'stop[1]', INVALID],
  [{ safety_identifier: 'k'.repeat(513) }, 'safety_identifier', INVALID],
  [{ logit_bias: { a: 1 } }, 'logit_bias', INVALID],
  [{ logit_bias: { '5': 101 } }, 'logit_bias.5', INVALID],
  [{ truncation: 'left' }, 'truncation', INVALID],
  [{ user: 5 }, 'user', INVALID],
  [{ prompt_cache_key: 'k'.repeat(513) }, 'prompt_cache_key', INVALID],
  [{ stream_options: {} }, 'stream_options', INVALID],
  [{ stream: true, stream_options: { other: true } }, 'stream_options.other', 'unknown_parameter'],
]

const HOSTILE: Record<string, string | Uint8Array> = {
  empty: '',
  'cut short': '{"model": ',
  null: 'null',
  'an array': '[]',
  'a text': '"hi"',
  'not a number': '{"temperature": NaN}',
  'not UTF-8': new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]),
  deep: `{"model":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
}

const ODD = [0, -1, 1.5, 1e300, true, '', 'x', [], [[]], [null], {}, { a: 1 }, { type: 'x' }, [{}]]

const nestedJson = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

describe.each(DIALECTS)('$name', (dialect) => {
  const ask = (body: unknown, { headers = {}, config = {}, method = 'POST' } = {}) => {
    const fake = keeping(HELLO)
    const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    const sent = method === 'POST' ? (raw as BodyInit) : undefined
    const response = serve(fake, config).send(dialect.path, { method, body: sent, headers })
    return { fake, response }
  }

  for (const [fields, wrong, why] of WRONG) {
    // What one dialect knows is a field that nobody defines in another.
    const strange = Object.keys(fields).find((field) => !dialect.fields.includes(field))
    const [param, code] = strange === undefined ? [wrong, why] : [strange, 'unknown_parameter']
    it(`names the field: ${JSON.stringify(fields).slice(0, 80)}`, async () => {
      for (const stream of [false, true]) {
        const wanted = { ...dialect.body('stream_options' in fields ? {} : { stream }), ...fields }
        const { fake, response } = ask(wanted)
        const told = await refusalOf(dialect, await response)
        expect(told).toMatchObject({ status: 400, param, code })
        expect(told.message).toContain(param)
        expect(fake.requests).toEqual([])
      }
    })
  }

  it('misses the prompt by its name', async () => {
    for (const prompt of [undefined, null, 5, [], {}]) {
      const told = ask({ ...dialect.body({}), [dialect.promptField]: prompt })
      const param = dialect.promptField
      expect(await refusalOf(dialect, await told.response)).toMatchObject({
        status: 400,
        param,
        code: INVALID,
      })
      expect(told.fake.requests).toEqual([])
    }
  })

  it('has no model that nobody serves', async () => {
    const told = await refusalOf(dialect, await ask(dialect.body({ model: 'gpt-9' })).response)
    expect(told).toMatchObject({ status: 404, param: 'model', code: 'model_not_found' })
    expect(told.message).toMatch(/gpt-9.*smollm2/)
  })

  it.each(Object.entries(HOSTILE))('reads no body that is %s', async (name, body) => {
    const { fake, response } = ask(body)
    const told = await refusalOf(dialect, await response)
    expect(told).toMatchObject({ status: 400, code: INVALID, param: name === 'deep' ? 'model' : null })
    expect(told.message.length).toBeLessThan(2000)
    expect(fake.requests).toEqual([])
  })

  it('reads no value that exhausts the stack or the time of whoever walks it', async () => {
    const raw = (field: string, json: string) =>
      JSON.stringify({ ...dialect.body({}), [field]: 0 }).replace(`"${field}":0`, `"${field}":${json}`)
    const list = (count: number, json: string) => `[${Array(count).fill(json).join()}]`
    const names = Array.from({ length: 100_001 }, (_, i) => `"n${i}":0`).join()
    for (const field of [...dialect.fields, 'bogus']) {
      for (const json of [`{${names}}`, list(300_001, '""'), '['.repeat(300_001) + ']'.repeat(300_001)]) {
        const { fake, response } = ask(raw(field, json))
        expect(await refusalOf(dialect, await response)).toMatchObject({ status: 400, param: field })
        expect(fake.requests).toEqual([])
      }
      for (const json of [nestedJson(65), nestedJson(100_000), `{"a":${nestedJson(100_000)}}`]) {
        const { fake, response } = ask(raw(field, json))
        // What changes nothing is read over.
        if ((await response).status === 200) expect(JSON.stringify(fake.requests)).not.toContain('[[[[')
        else expect((await refusalOf(dialect, await response)).status).toBe(400)
      }
    }
    const many = list(62_000, '{"role":"user","content":""}')
    expect(await refusalOf(dialect, await ask(raw(dialect.promptField, many)).response)).toMatchObject({
      status: 400,
      param: dialect.promptField,
    })
  })

  it('reads as many names and items as there may be', async () => {
    if (!dialect.fields.includes('service_tier')) throw new Error('no field takes anything')
    const items = Array.from({ length: 299_000 }, () => 0)
    const names = Object.fromEntries(Array.from({ length: 99_000 }, (_, i) => [`n${i}`, '"{[:,\\']))
    for (const value of [items, names]) {
      const { response } = ask({ ...dialect.body({}), service_tier: value })
      expect((await response).status).toBe(200)
    }
  })

  it('reads no body that is too large, whether it says so or not', async () => {
    const large = JSON.stringify(dialect.body({ prompt: 'x'.repeat(5000) }))
    const config = { maxBodyBytes: 1000 }
    for (const headers of [{}, { 'content-length': String(large.length) }]) {
      const { fake, response } = ask(large, { headers, config })
      const told = await refusalOf(dialect, await response)
      expect(told).toMatchObject({ status: 413, code: 'body_too_large', param: null })
      expect(fake.requests).toEqual([])
    }
    expect((await ask(large, { config: { maxBodyBytes: large.length } }).response).status).toBe(200)
  })

  it('knows one method, and names it', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const told = await refusalOf(dialect, await ask(undefined, { method }).response)
      expect(told).toMatchObject({ status: 405, code: 'method_not_allowed' })
      expect(told.headers.get('allow')).toBe('POST, OPTIONS')
    }
  })

  it('asks for a key where there are keys, and for loopback where there are none', async () => {
    const config = { apiKeys: createHash('sha256').update('right').digest('hex') }
    for (const [headers, status] of [
      [{}, 401],
      [{ authorization: 'Bearer wrong' }, 401],
      [{ authorization: 'Bearer right' }, 200],
    ] as const) {
      const response = await ask(dialect.body({}), { headers, config }).response
      expect(response.status).toBe(status)
      if (status === 401)
        expect(await refusalOf(dialect, response)).toMatchObject({ code: 'invalid_api_key', param: null })
    }
    const elsewhere = serve(keeping(HELLO)).send(`https://example.com${dialect.path}`, { method: 'POST' })
    expect(await refusalOf(dialect, await elsewhere)).toMatchObject({ status: 401, code: 'invalid_api_key' })
  })

  it('every field at every odd value is refused by its name, or fine', async () => {
    for (const field of dialect.fields) {
      for (const value of ODD) {
        const response = await ask({ ...dialect.body({}), [field]: value }).response
        const where = `${field} ${JSON.stringify(value)}`
        expect([200, 400, 404], where).toContain(response.status)
        if (response.status === 200) await response.text()
        else expect((await refusalOf(dialect, response)).param, where).toMatch(new RegExp(`^${field}`))
      }
    }
  })
})
