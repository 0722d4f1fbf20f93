// All that an answer depends on is in the names of its pages and in its row: nothing of another model is ever taken for this one's.

import { describe, expect, test, vi } from 'vitest'
import type { LaneConfig } from '../../src/lane/lane.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { ask, eventsOf, laneOn, laneStorage, mockManifest } from '../helpers/mock-lane.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const ids = Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251)
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt: { kind: 'ids', ids }, store: true, maxTokens: 40, ignoreEos: true, ...changes })

type Change = { manifest?: Partial<Manifest>; config?: Partial<LaneConfig> }

function laneOf(kept: ReturnType<typeof laneStorage>, { manifest, config }: Change = {}) {
  const text = { manifest: { ...mockManifest(), hash: 'h1', ...manifest }, tokenizer: byteTokenizer() }
  return laneOn(kept, { config, parts: { readText: async () => text } }).lane
}

const others: [string, Change][] = [
  ['other weights', { manifest: { hash: 'h2' } }],
  ['another template', { manifest: { chat: { kind: 'jinja', template: '{{ messages[0].content }}' } } }],
  ['another spec', { manifest: { spec: { ...MOCK_SPEC, context: 500 } } }],
  ['a window', { config: { windows: [64] } }],
]

describe.each(others)('a model with %s', (_, change) => {
  test('finds no pages, in either order', async () => {
    const kept = laneStorage()
    await ask(laneOf(kept), asked())
    const [other] = eventsOf(await ask(laneOf(kept, change), asked()), 'start')
    expect(other.cachedTokens).toBe(0)
    const [same] = eventsOf(await ask(laneOf(kept, change), asked()), 'start')
    expect(same.cachedTokens).toBe(80)
    const [first] = eventsOf(await ask(laneOf(kept), asked()), 'start')
    expect(first.cachedTokens).toBe(80)
  })

  test('does not go on with an answer, nor takes a retry for it', async () => {
    const kept = laneStorage()
    const lane = laneOf(kept)
    let turn = ''
    let session = ''
    for await (const event of decodeEvents(lane.generate(asked({ bodyHash: 'b' })))) {
      if (event.type === 'session') ({ session, turn } = event)
      if (event.type === 'text') break
    }
    await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
    const events = []
    for await (const event of decodeEvents(laneOf(kept, change).resume('tenant', session))) events.push(event)
    expect(events).toMatchObject([{ type: 'error', code: 'conflict' }])
    const again = await ask(laneOf(kept, change), asked({ bodyHash: 'b', retry: true }))
    expect(eventsOf(again, 'session')[0].turn).not.toBe(turn)
  })
})

test('a background answer of another model ends at the alarm', async () => {
  const kept = laneStorage()
  const messages = [{ role: 'user', content: 'Hi' }]
  const lane = laneOf(kept)
  const reader = decodeEvents(
    lane.generate(asked({ prompt: { kind: 'chat', messages }, conversation: messages, background: true })),
  )
  let turn = ''
  for await (const event of reader) {
    if (event.type === 'session') ({ turn } = event)
    if (event.type === 'text') break
  }
  await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  const next = laneOf(kept, { manifest: { hash: 'h2' } })
  await next.awake()
  expect(await next.turn('tenant', turn)).toMatchObject({ state: 'failed' })
})
