// What the page remembers, its sampling settings and its single keys, without a browser.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { remembered, singleKeys } from '../../page/state/preferences.ts'
import {
  defaultOf,
  FIELDS,
  maxTokens,
  resetSampling,
  samplingBody,
  seed,
  temperature,
  topK,
} from '../../page/state/sampling.ts'
import { keepKey, model, useServer } from '../../page/state/server.ts'
import { addShortcuts, runShortcut, shortcuts, type Press } from '../../page/state/shortcuts.ts'

const stored = new Map<string, string>()
const storage = {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => void stored.set(key, value),
  removeItem: (key: string) => void stored.delete(key),
}
const isText = (value: unknown): boolean => typeof value === 'string'

beforeEach(() => vi.stubGlobal('localStorage', storage))
afterEach(() => {
  stored.clear()
  vi.unstubAllGlobals()
})

describe('remembered', () => {
  it('starts as what was stored, and stores what it becomes', () => {
    stored.set('islet.name', '"kept"')
    const name = remembered('name', 'usual', isText)
    expect(name.value).toBe('kept')
    name.value = 'other'
    expect(stored.get('islet.name')).toBe('"other"')
    name.value = 'usual'
    expect(stored.has('islet.name')).toBe(false)
  })

  it.each(['7', 'null', '{', '["kept"]', ''])('does not trust %j', (raw) => {
    stored.set('islet.name', raw)
    expect(remembered('name', 'usual', isText).value).toBe('usual')
  })

  it('is as any signal where the browser forbids storage', () => {
    const forbid = (): never => {
      throw new DOMException('no', 'SecurityError')
    }
    vi.stubGlobal('localStorage', { getItem: forbid, setItem: forbid, removeItem: forbid })
    const name = remembered('name', 'usual', isText)
    name.value = 'other'
    expect(name.value).toBe('other')
  })
})

describe('the key', () => {
  it('is stored only while somebody wants it', () => {
    useServer({ key: 'secret' })
    expect([...stored.values()].join()).not.toContain('secret')
    keepKey.value = true
    expect(stored.get('islet.key')).toBe('"secret"')
    keepKey.value = false
    expect([...stored.values()].join()).not.toContain('secret')
    useServer({ key: '' })
  })
})

describe('sampling', () => {
  afterEach(resetSampling)

  it('sends what was set, and nothing else', () => {
    expect(samplingBody()).toEqual({})
    temperature.value.value = 0
    seed.value.value = 7
    expect(samplingBody()).toEqual({ temperature: 0, seed: 7 })
    resetSampling()
    expect(samplingBody()).toEqual({})
  })

  it("names the model's default where it has one, else the server's", () => {
    model.value = { id: 'a', islet: { sampling: { temperature: 0.2 } } }
    expect(defaultOf(temperature)).toBe('0.2 (model)')
    expect(defaultOf(topK)).toBe('0 (default)')
    model.value = undefined
    expect([temperature, seed, maxTokens].map(defaultOf)).toEqual(['1 (default)', 'random', 'no limit'])
  })

  it('has names that requests have, each once', async () => {
    const { chatSchema } = await import('../../src/api/dialects/chat/schema.ts')
    const body = Object.fromEntries(FIELDS.map(({ name, least }) => [name, least]))
    expect(Object.keys(body)).toHaveLength(FIELDS.length)
    const request = { model: 'm', messages: [{ role: 'user', content: 'x' }] }
    for (const bound of ['least', 'most'] as const) {
      const sent = Object.fromEntries(FIELDS.map((field) => [field.name, field[bound]]))
      expect(chatSchema.safeParse({ ...request, ...sent }).error).toBeUndefined()
    }
  })
})

describe('shortcuts', () => {
  const press = (key: string, more: Partial<Press> = {}): Press => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    typing: false,
    ...more,
  })

  it('run outside fields, without modifiers, while they are wanted', () => {
    const run = vi.fn()
    const remove = addShortcuts([{ key: 'x', does: 'something', run }])
    expect(shortcuts.value).toHaveLength(1)
    expect(runShortcut(press('x'))).toBe(true)
    const others = [
      press('y'),
      press('x', { typing: true }),
      press('x', { ctrlKey: true }),
      press('x', { metaKey: true }),
    ]
    expect(others.map(runShortcut)).toEqual([false, false, false, false])
    singleKeys.value = false
    expect(runShortcut(press('x'))).toBe(false)
    singleKeys.value = true
    expect(run).toHaveBeenCalledTimes(1)
    remove()
    expect(runShortcut(press('x'))).toBe(false)
  })

  it('of a view come before those of the shell', () => {
    const [below, above] = [vi.fn(), vi.fn()]
    const removals = [below, above].map((run) => addShortcuts([{ key: 'x', does: '', run }]))
    runShortcut(press('x'))
    expect([below, above].map(({ mock }) => mock.calls.length)).toEqual([0, 1])
    for (const remove of removals) remove()
  })
})
