// Variables of the deployment: defaults, text or numbers, and names in complaints.

import { expect, test } from 'vitest'
import { readConfig } from '../src/env.ts'

test('defaults', () => {
  expect(readConfig({ ASSETS: {}, LANE: {} })).toEqual({
    lane: {
      model: 'smollm2-135m-instruct',
      windows: [1024],
      sinks: 4,
      chunk: 32,
      maxPrompt: 32768,
      queue: 64,
      kvBudget: 0,
      reserve: 0,
      lifetimes: { pages: 3_600_000, sessions: 86_400_000, turns: 2_592_000_000 },
      budget: { tenantBytes: 1e9, tenantSessions: 10_000, laneBytes: 8e9 },
    },
    lanes: 1,
    regions: [],
    recommendedSampling: true,
    rate: undefined,
    aliases: [],
    apiKeys: undefined,
  })
})

test('text and numbers', () => {
  expect(readConfig({ WINDOW: '0', SINKS: 8, LANES: 'session', API_KEYS: 'abc' })).toMatchObject({
    lane: { windows: [0], sinks: 8 },
    lanes: 'session',
    apiKeys: 'abc',
  })
  expect(readConfig({ LANES: '4' }).lanes).toBe(4)
  expect(readConfig({ WINDOW: 512 }).lane.windows).toEqual([512])
  expect(readConfig({ WINDOW: '256, 1024' }).lane.windows).toEqual([256, 1024])
})

test('the rate that clients are told', () => {
  expect(readConfig({ RATE_LIMIT: '' }).rate).toBeUndefined()
  expect(readConfig({ RATE_LIMIT: '100/10' }).rate).toEqual({ limit: 100, seconds: 10 })
})

test('regions', () => {
  expect(readConfig({ REGIONS: '' }).regions).toEqual([])
  expect(readConfig({ REGIONS: 'weur, apac-ne' }).regions).toEqual(['weur', 'apac-ne'])
})

test('aliases', () => {
  expect(readConfig({ MODEL_ALIASES: '' }).aliases).toEqual([])
  expect(readConfig({ MODEL_ALIASES: ' gpt-4o-mini, org/Model:8b ,' }).aliases).toEqual([
    'gpt-4o-mini',
    'org/Model:8b',
  ])
})

test.each([
  ['MODEL_ALIASES', 'two words'],
  ['MODEL_ALIASES', 'gpt-4o,GPT-4o'],
  ['MODEL_ALIASES', 'x'.repeat(201)],
  ['MODEL_ALIASES', Array.from({ length: 65 }, (_, n) => `m${n}`).join()],
  ['WINDOW', '-1'],
  ['WINDOW', '1.5'],
  ['SINKS', '-1'],
  ['WINDOW', ''],
  ['WINDOW', -1],
  ['WINDOW', 1.5],
  ['WINDOW', '2000000'],
  ['WINDOW', '256,'],
  ['WINDOW', '256,0'],
  ['WINDOW', '256;1024'],
  ['CHUNK', '30'],
  ['CHUNK', 'many'],
  ['LANES', '0'],
  ['TENANT_BYTES', '100'],
  ['TENANT_SESSIONS', '0'],
  ['LANE_BYTES', '20000000000'],
  ['REGIONS', 'mars'],
  ['REGIONS', 'weur,'],
  ['REGIONS', 'weur,weur'],
  ['REGIONS', 1],
  ['RATE_LIMIT', '100'],
  ['RATE_LIMIT', '100/30'],
  ['RATE_LIMIT', '0/60'],
  ['MODEL', '../secret'],
])('%s = %j is refused by name', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(`variable ${name} is`)
})
