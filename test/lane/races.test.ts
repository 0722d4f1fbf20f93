// Several readers or deletions want one session at once, and each of them comes to an end.

import { expect, test, vi } from 'vitest'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, type MockLane } from '../helpers/mock-lane.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251) }
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt, store: true, maxTokens: 40, ignoreEos: true, ...changes })

/** A reader that has read a little and stays; its session. */
async function begun({ lane }: MockLane, changes: Parameters<typeof request>[0] = {}) {
  const reader = decodeEvents(lane.generate(asked(changes)))
  for (let session = '', text = 0; ;) {
    const { value } = await reader.next()
    if (value?.type === 'session') ({ session } = value)
    if (value?.type === 'text' && ++text === 3) return { reader, session }
  }
}

test('a background turn of another window fails, and wakes its lane no more', async () => {
  const kept = laneStorage()
  const messages = [{ role: 'user', content: 'Hi' }]
  const chat = { prompt: { kind: 'chat' as const, messages }, conversation: messages, background: true }
  const first = laneOn(kept)
  const { reader, session } = await begun(first, chat)
  await reader.return(undefined)
  await vi.waitFor(() => expect(first.lane.sessions.driven).toBe(0))

  const { lane } = laneOn(kept, { config: { windows: [40] } })
  await lane.awake()
  const [{ turn }] = kept.sql.exec('SELECT turn FROM turns WHERE session = ?', session).toArray()
  const { state, events } = await lane.turn('tenant', String(turn))
  expect(state).toBe('failed')
  expect(events.at(-1)).toMatchObject({ type: 'error', code: 'conflict' })
  expect(lane.sessions.unread()).toEqual([])
})

test('of readers that come at the same time one reads on, and all others are told so', async () => {
  const made = laneOn(laneStorage())
  const { session } = await begun(made)
  const read = async () => {
    const events = []
    for await (const event of decodeEvents(made.lane.resume('tenant', session))) events.push(event)
    return events
  }
  const all = await Promise.all([read(), read(), read()])
  const whole = all.filter((events) => events.at(-1)?.type === 'finish')
  expect(whole.map(idsOf)).toEqual([greedyAlone(prompt.ids, 40)])
  const others = all.filter((events) => !whole.includes(events))
  expect(others.map((events) => events.at(-1))).toMatchObject([{ code: 'conflict' }, { code: 'conflict' }])
  expect(made.lane.sessions.driven).toBe(0)
})

test('all sessions are deleted, also where somebody else deletes some at the same time', async () => {
  const made = laneOn(laneStorage())
  for (const key of ['x', 'y', 'z']) {
    await begun(made, { sessionKey: key, prompt: { kind: 'ids', ids: [...prompt.ids, key.charCodeAt(0)] } })
  }
  const sessions = await made.lane.ready()
  const ids = sessions.list('tenant').map(({ id }) => id)
  expect(ids).toHaveLength(3)
  const deletions = [
    sessions.removeAll('tenant'),
    sessions.remove('tenant', ids[1]),
    sessions.removeAll('tenant'),
  ]
  await Promise.all(deletions)
  expect(sessions.list('tenant')).toEqual([])
  // The lane is as good as new.
  expect(eventsOf(await ask(made.lane, asked()), 'finish')).toHaveLength(1)
})

test('a turn in the background leaves the thread to others, who may end it', async () => {
  const kept = laneStorage()
  const messages = [{ role: 'user', content: 'Hi' }]
  const chat = { prompt: { kind: 'chat' as const, messages }, conversation: messages, background: true }
  const made = laneOn(kept)
  const { reader, session } = await begun(made, { ...chat, maxTokens: 200 })
  await reader.return(undefined)
  await vi.waitFor(() => expect(made.lane.sessions.driven).toBe(0))
  const [{ turn }] = kept.sql.exec('SELECT turn FROM turns WHERE session = ?', session).toArray()

  const alarm = made.lane.awake()
  let ended = false
  void alarm.then(() => (ended = true))
  while (made.lane.sessions.driven === 0 && !ended) await new Promise((done) => setImmediate(done))
  const { state } = await made.lane.cancelTurn('tenant', String(turn))
  await alarm
  expect(state).toBe('cancelled')
  const { events } = await made.lane.turn('tenant', String(turn))
  expect(idsOf(events).length).toBeLessThan(200)
  expect(made.lane.sessions.unread()).toEqual([])
})

test('two that come at the same time for one session are two sessions, and neither ends the other', async () => {
  const made = laneOn(laneStorage())
  await ask(made.lane, asked({ maxTokens: 2 }))
  const events = await Promise.all([1, 2, 3].map(() => ask(made.lane, asked())))
  for (const each of events) expect(idsOf(each)).toEqual(greedyAlone(prompt.ids, 40))
  expect(new Set(events.map((each) => eventsOf(each, 'session')[0].session)).size).toBe(3)
})

test('two that retry the same at the same time are both answered', async () => {
  const kept = laneStorage()
  await ask(laneOn(kept).lane, asked({ bodyHash: 'b' }))
  const { lane } = laneOn(kept)
  const again = asked({ bodyHash: 'b', retry: true })
  const events = await Promise.all([ask(lane, again), ask(lane, again)])
  for (const each of events) expect(idsOf(each)).toEqual(greedyAlone(prompt.ids, 40))
})
