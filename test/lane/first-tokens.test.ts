// New requests go first: who is new and for how long, who is there, and how a lane's turns rest and step as one.

import { describe, expect, test } from 'vitest'
import type { Vault } from '../../src/engine/vault.ts'
import { FirstTokens } from '../../src/lane/first-tokens.ts'
import { Pacer } from '../../src/lane/pacer.ts'

const request = (): AbortSignal => new AbortController().signal
const vaultOf = (id: string): Vault => ({ id, find: () => undefined, save: () => undefined })

describe('a request is new', () => {
  test('until its first token', () => {
    const first = new FirstTokens()
    const [a, b] = [request(), request()]
    expect(first.isAnybodyNew).toBe(false)
    first.begin(a, 'a', 0)
    first.begin(b, 'b', 0)
    first.end(a)
    expect(first.isAnybodyNew).toBe(true)
    first.end(b)
    expect(first.isAnybodyNew).toBe(false)
  })

  test('for 16 steps, counted from when it came', () => {
    const first = new FirstTokens()
    for (let step = 0; step < 40; step++) first.stepped()
    first.begin(request(), 'a', 0)
    for (let step = 0; step < 15; step++) first.stepped()
    expect(first.isAnybodyNew).toBe(true)
    first.stepped()
    expect(first.isAnybodyNew).toBe(false)
  })
})

test('a tenant is there for a minute after its last request', () => {
  const first = new FirstTokens()
  expect(first.isShared(0)).toBe(false)
  first.begin(request(), 'a', 0)
  first.begin(request(), 'a', 5000)
  expect(first.isShared(5000)).toBe(false)
  first.begin(request(), 'b', 20_000)
  expect([first.isShared(20_000), first.isShared(64_999), first.isShared(65_000)]).toEqual([
    true,
    true,
    false,
  ])
  // What a request of one brings back is that one alone.
  first.begin(request(), 'b', 90_000)
  expect(first.isShared(90_000)).toBe(false)
  first.begin(request(), 'a', 100_000)
  expect(first.isShared(100_000)).toBe(true)
})

describe('an answer leaves the thread', () => {
  const served = (rows: Record<string, number>) => (tenant: string) => rows[tenant]

  test('to a new request of a tenant that was served less', () => {
    const first = new FirstTokens()
    const [own, other] = [request(), request()]
    expect(first.goFirst(own, 'a', served({ a: 9, b: 1 }))).toBe(false)
    first.begin(other, 'b', 0)
    expect(first.goFirst(own, 'a', served({ a: 9, b: 8 }))).toBe(true)
    expect(first.goFirst(own, 'a', served({ a: 9, b: 9 }))).toBe(false)
    expect(first.goFirst(own, 'a', served({ a: 9, b: 10 }))).toBe(false)
    first.end(other)
    expect(first.goFirst(own, 'a', served({ a: 9, b: 8 }))).toBe(false)
  })

  test('to none while it is new itself, and to none of its own tenant', () => {
    const first = new FirstTokens()
    const own = request()
    first.begin(own, 'a', 0)
    first.begin(request(), 'b', 0)
    expect(first.goFirst(own, 'a', served({ a: 9, b: 1 }))).toBe(false)
    expect(first.goFirst(request(), 'b', served({ a: 9, b: 9 }))).toBe(false)
    let asked = 0
    const falling = (): number => -++asked
    expect(first.goFirst(request(), 'c', falling)).toBe(false)
    const same = new FirstTokens()
    same.begin(request(), 'a', 0)
    expect(same.goFirst(request(), 'a', () => --asked)).toBe(false)
  })

  test('where any of those that are new was served less', () => {
    const first = new FirstTokens()
    first.begin(request(), 'b', 0)
    first.begin(request(), 'c', 0)
    expect(first.goFirst(request(), 'a', served({ a: 5, b: 7, c: 3 }))).toBe(true)
    expect(first.goFirst(request(), 'a', served({ a: 2, b: 7, c: 3 }))).toBe(false)
  })
})

/** A clock whose rests end when a test says so. */
function bed() {
  const clock = { time: 1000, rests: [] as { ms: number; end: () => void }[] }
  const first = new FirstTokens()
  const host = {
    now: () => clock.time,
    wait: (ms: number) => new Promise<void>((end) => clock.rests.push({ ms, end })),
  }
  const lengths = (): number[] => clock.rests.map(({ ms }) => ms)
  const end = async (): Promise<void> => {
    for (const rest of clock.rests.splice(0)) rest.end()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { clock, first, pacer: new Pacer(host, first), lengths, end }
}

describe('a pacer', () => {
  test('is due after 8 ms while several tenants are there', () => {
    const { clock, first, pacer } = bed()
    first.begin(request(), 'a', 1000)
    clock.time = 1010
    expect(pacer.isDue).toBe(false)
    first.begin(request(), 'b', 1010)
    expect(pacer.isDue).toBe(true)
    pacer.begin()
    clock.time = 1017
    expect(pacer.isDue).toBe(false)
    clock.time = 1018
    expect(pacer.isDue).toBe(true)
  })

  test('counts steps for those that wait for their first token', () => {
    const { first, pacer } = bed()
    first.begin(request(), 'a', 1000)
    for (let step = 0; step < 16; step++) pacer.stepped(1, undefined)
    expect(first.isAnybodyNew).toBe(false)
  })

  test('knows whether somebody of a lane ran a step after one', () => {
    const { pacer } = bed()
    const [own, other] = [vaultOf('own'), vaultOf('other')]
    expect([pacer.last, pacer.hasStepped(undefined, own), pacer.hasStepped(undefined, undefined)]).toEqual([
      undefined,
      false,
      false,
    ])
    pacer.stepped(1, own)
    const { last } = pacer
    expect([pacer.hasStepped(undefined, own), pacer.hasStepped(last, own)]).toEqual([true, false])
    pacer.stepped(1, other)
    expect([pacer.hasStepped(last, own), pacer.hasStepped(last, other)]).toEqual([false, true])
    pacer.stepped(1, own)
    expect(pacer.hasStepped(last, own)).toBe(true)
  })
})

describe('rests of a lane', () => {
  test('of one length are one', async () => {
    const { pacer, lengths, end } = bed()
    const vault = vaultOf('lane')
    let ended = 0
    for (let turn = 0; turn < 3; turn++) void pacer.restTogether(5, vault).then(() => ended++)
    void pacer.restTogether(20, vault)
    expect(lengths()).toEqual([5, 20])
    await end()
    expect(ended).toBe(3)
    void pacer.restTogether(5, vault)
    expect(lengths()).toEqual([5])
  })

  test('are not those of another lane, of none, or of no length', async () => {
    const { pacer, lengths, end } = bed()
    const vault = vaultOf('lane')
    for (const each of [vault, vaultOf('other'), undefined, undefined]) void pacer.restTogether(5, each)
    for (let turn = 0; turn < 2; turn++) void pacer.restTogether(0, vault)
    expect(lengths()).toEqual([5, 5, 5, 5, 0, 0])
    await end()
  })

  test('begin the count of time and steps anew', async () => {
    const { clock, pacer, end } = bed()
    for (let step = 0; step < 20; step++) pacer.stepped(4, undefined)
    expect(pacer.isDue).toBe(true)
    const rest = pacer.restTogether(5, vaultOf('lane'))
    clock.time = 2000
    await end()
    await rest
    expect(pacer.isDue).toBe(false)
  })
})
