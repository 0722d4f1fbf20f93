// A key is compared by all of its hash, and so are names that are made of hashes.

import { describe, expect, it } from 'vitest'
import { hashText } from '../../src/api/http/hash-text.ts'
import { chainRoot, NAME_LENGTH, pageNames } from '../../src/cache/chain.ts'
import { lanesFor } from '../../src/routing/lane-names.ts'
import { request } from '../helpers/request.ts'
import { appOver, chat, fakeLanes, ORIGIN, stored } from './helpers.ts'

const key = await hashText('sk-right')
const ask = async (apiKeys: string, bearer = 'sk-right') => {
  const headers = { authorization: `Bearer ${bearer}` }
  return (await appOver(fakeLanes(), { apiKeys }).app.request(`${ORIGIN}/v1/models`, { headers })).status
}
const digits = Array.from({ length: 64 }, (_, place) => place)
const withDigit = (hash: string, place: number): string =>
  hash.slice(0, place) + (hash[place] === '0' ? '1' : '0') + hash.slice(place + 1)

describe('a key', () => {
  it('is let in by its hash', async () => expect(await ask(key)).toBe(200))

  it.each(digits)('is not let in by a hash that differs at digit %i', async (place) => {
    expect(await ask(withDigit(key, place))).toBe(401)
  })

  it('is let in once among hashes that nearly are its own, wherever it stands', async () => {
    const near = digits.map((place) => withDigit(key, place))
    expect(await ask(near.join())).toBe(401)
    for (const at of [0, 31, 64]) expect(await ask(near.toSpliced(at, 0, key).join())).toBe(200)
    expect(await ask([key, key].join())).not.toBe(500)
  })

  it('is the tenant by all of its hash', async () => {
    const fake = stored()
    const { app } = appOver(fake, { apiKeys: key })
    const headers = { authorization: 'Bearer sk-right' }
    const body = JSON.stringify(chat())
    await (await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body, headers })).text()
    expect(fake.requests[0].tenant).toBe(key)
  })
})

describe('a key in the header x-api-key', () => {
  const asking = async (headers: Record<string, string>, apiKeys: string | undefined = key) => {
    const fake = stored()
    const { app } = appOver(fake, { apiKeys })
    const body = JSON.stringify(chat())
    const response = await app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body, headers })
    return { status: response.status, text: await response.text(), tenant: fake.requests[0]?.tenant }
  }

  it('is as good as a bearer, and the same tenant', async () => {
    expect(await asking({ 'x-api-key': 'sk-right' })).toMatchObject({ status: 200, tenant: key })
    expect(await asking({ 'x-api-key': ' sk-right ' })).toMatchObject({ status: 200, tenant: key })
    expect(await asking({ 'x-api-key': 'sk-wrong' })).toMatchObject({ status: 401 })
    expect(await asking({ 'x-api-key': '' })).toMatchObject({ status: 401 })
    expect((await asking({})).text).toMatch(/x-api-key: KEY/)
  })

  it('may stand beside the same bearer, but beside no other one', async () => {
    const authorization = 'Bearer sk-right'
    expect(await asking({ authorization, 'x-api-key': 'sk-right' })).toMatchObject({
      status: 200,
      tenant: key,
    })
    for (const headers of [
      { authorization, 'x-api-key': 'sk-other' },
      { authorization: 'Bearer sk-other', 'x-api-key': 'sk-right' },
    ])
      for (const apiKeys of [key, undefined]) {
        const { status, text } = await asking(headers, apiKeys)
        expect(status).toBe(401)
        expect(text).toMatch(/different keys/)
        expect(text).not.toContain('sk-')
      }
  })

  it('beside another one shows nothing of what others do', async () => {
    const { app } = appOver(fakeLanes(), { apiKeys: key })
    const health = async (headers: Record<string, string>) =>
      (await app.request(`${ORIGIN}/health`, { headers })).json()
    expect(await health({ 'x-api-key': 'sk-right' })).toHaveProperty('window')
    const both = { authorization: 'Bearer sk-right', 'x-api-key': 'sk-other' }
    expect(await health(both)).not.toHaveProperty('window')
  })
})

describe('a body', () => {
  it('is known by all its bytes, also those that mean nothing', async () => {
    const fake = stored()
    const bodies = [
      JSON.stringify(chat()),
      JSON.stringify(chat(), undefined, 1),
      `${JSON.stringify(chat())} `,
      JSON.stringify(chat({ user: 'ann' })),
    ]
    for (const body of bodies)
      await (
        await appOver(fake).app.request(`${ORIGIN}/v1/chat/completions`, { method: 'POST', body })
      ).text()
    expect(fake.requests.map(({ bodyHash }) => bodyHash)).toEqual(await Promise.all(bodies.map(hashText)))
  })
})

describe('names of pages', () => {
  const ids = Array.from({ length: 48 }, (_, i) => i)

  it('have 128 bits, each of which follows from the root and from every id before', () => {
    const names = pageNames(chainRoot(['model', 'tenant']), ids, 3)
    expect(names.map(({ length }) => length)).toEqual([NAME_LENGTH, NAME_LENGTH, NAME_LENGTH])
    expect(NAME_LENGTH).toBe(32)
    // No part of it repeats another.
    for (const name of names) expect(new Set(name.match(/.{8}/g)).size).toBe(4)
    for (let at = 0; at < 48; at++) {
      const other = pageNames(chainRoot(['model', 'tenant']), ids.with(at, 1000), 3)
      expect(other.map((name, page) => name === names[page])).toEqual([at >= 16, at >= 32, false])
    }
    expect(pageNames(chainRoot(['model', 'tenants']), ids, 1)).not.toEqual(names.slice(0, 1))
    expect(pageNames(withDigit(chainRoot(['model', 'tenant']), 31), ids, 1)).not.toEqual(names.slice(0, 1))
  })

  it('go on from those that are known', () => {
    const root = chainRoot(['model'])
    const names = pageNames(root, ids, 3)
    for (const known of [0, 1, 2, 3]) expect(pageNames(root, ids, 3, names.slice(0, known))).toEqual(names)
    expect(pageNames(root, ids, 2, names)).toEqual(names.slice(0, 2))
  })

  it('depend on the whole of a large id', () => {
    const root = chainRoot(['model'])
    expect(pageNames(root, ids.with(0, 65_536), 1)).not.toEqual(pageNames(root, ids, 1))
  })
})

it("an object of its own for each session is named by the whole key and by its tenant's", () => {
  const laneOf = (tenant: string, sessionKey: string) =>
    lanesFor(request({ tenant, sessionKey }), { lanes: 'session', regions: [] }, undefined)[0]
  const names = [
    laneOf('a', 'k'),
    laneOf('b', 'k'),
    laneOf('a', `k${'x'.repeat(300)}`),
    laneOf('a', `k${'x'.repeat(299)}y`),
  ]
  expect(new Set(names).size).toBe(4)
  for (const name of names) expect(name).toMatch(/^s[0-9a-f]{64}$/)
})
