// Variables of the deployment: defaults, text or numbers, and names in complaints.

import { expect, test } from 'vitest'
import { readConfig } from '../../src/env.ts'

test('defaults', () => {
  expect(readConfig({ ASSETS: {}, LANE: {} })).toEqual({
    lane: { model: 'smollm2-135m-instruct', window: 1024, sinks: 4, chunk: 16, maxPrompt: 32768 },
    lanes: 1,
    apiKeys: undefined,
  })
})

test('text and numbers', () => {
  expect(readConfig({ WINDOW: '0', SINKS: 8, LANES: 'session', API_KEYS: 'abc' })).toMatchObject({
    lane: { window: 0, sinks: 8 },
    lanes: 'session',
    apiKeys: 'abc',
  })
  expect(readConfig({ LANES: '4' }).lanes).toBe(4)
})

test.each([
  ['WINDOW', '-1'],
  ['WINDOW', '1.5'],
  ['SINKS', '-1'],
  ['WINDOW', ''],
  ['CHUNK', '30'],
  ['CHUNK', 'many'],
  ['LANES', '0'],
  ['MODEL', '../secret'],
])('%s = %j is refused by name', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(`variable ${name} is`)
})
