// What the page remembers, its sampling settings and its single keys, without a browser.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { remembered, singleKeys, tab } from '../../page/state/preferences.ts'
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
/** States tell of a change behind what runs. */
const told = Promise.resolve()
const isText = (value: unknown): boolean => typeof value === 'string'

beforeEach(() => vi.stubGlobal('localStorage', storage))
afterEach(() => {
  stored.clear()
  vi.unstubAllGlobals()
})

describe('remembered', () => {
  it('starts as what was stored, and stores what it becomes', async () => {
    stored.set('islet.name', '"kept"')
    const name = remembered('name', 'usual', isText)
    expect(name.val).toBe('kept')
    name.val = 'other'
    await told
    expect(stored.get('islet.name')).toBe('"other"')
    name.val = 'usual'
    await told
    expect(stored.has('islet.name')).toBe(false)
  })

  it.each(['7', 'null', '{', '["kept"]', ''])('does not trust %j', (raw) => {
    stored.set('islet.name', raw)
    expect(remembered('name', 'usual', isText).val).toBe('usual')
  })

  it('is as any signal where the browser forbids storage', () => {
    const forbid = (): never => {
      throw new DOMException('no', 'SecurityError')
    }
    vi.stubGlobal('localStorage', { getItem: forbid, setItem: forbid, removeItem: forbid })
    const name = remembered('name', 'usual', isText)
    name.val = 'other'
    expect(name.val).toBe('other')
  })
})

describe('the key', () => {
  it('is stored only while somebody wants it', async () => {
    useServer({ key: 'secret' })
    expect([...stored.values()].join()).not.toContain('secret')
    keepKey.val = true
    await told
    expect(stored.get('islet.key')).toBe('"secret"')
    keepKey.val = false
    await told
    expect([...stored.values()].join()).not.toContain('secret')
    useServer({ key: '' })
  })
})

describe('sampling', () => {
  afterEach(resetSampling)

  it('sends what was set, and nothing else', () => {
    expect(samplingBody()).toEqual({})
    temperature.value.val = 0
    seed.value.val = 7
    expect(samplingBody()).toEqual({ temperature: 0, seed: 7 })
    resetSampling()
    expect(samplingBody()).toEqual({})
  })

  it("names the model's default where it has one, else the server's", () => {
    model.val = { id: 'a', islet: { sampling: { temperature: 0.2 } } }
    expect(defaultOf(temperature)).toBe('0.2 (model)')
    expect(defaultOf(topK)).toBe('0 (default)')
    model.val = undefined
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
    ...more,
  })

  it('run without modifiers, while they are wanted', () => {
    const run = vi.fn()
    addShortcuts([{ key: 'x', does: 'something', run }])
    expect(shortcuts()).toHaveLength(1)
    expect(runShortcut(press('x'))).toBe(true)
    const others = [press('y'), press('x', { ctrlKey: true }), press('x', { metaKey: true })]
    expect(others.map(runShortcut)).toEqual([false, false, false])
    singleKeys.val = false
    expect(runShortcut(press('x'))).toBe(false)
    singleKeys.val = true
    expect(run).toHaveBeenCalledTimes(1)
  })

  it('of a tab are there while it is shown', () => {
    const run = vi.fn()
    addShortcuts([{ key: 'n', does: 'something', run, on: 'chat' }])
    expect(runShortcut(press('n'))).toBe(true)
    tab.val = 'decide'
    expect(runShortcut(press('n'))).toBe(false)
    expect(shortcuts().map(({ key }) => key)).toEqual(['x'])
    tab.val = 'chat'
    expect(run).toHaveBeenCalledTimes(1)
  })
})
