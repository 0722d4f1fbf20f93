// These tests fork a large session many times: what is equal is stored once, and each copy answers as its source.

import { describe, expect, test } from 'vitest'
import type { Sql } from '../../src/storage/sql.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { ask, eventsOf, idsOf, laneOn, laneStorage, textOf, type MockLane } from '../helpers/mock-lane.ts'
import { greedyAlone } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 90 }, (_, i) => (i * 7 + 31) % 251) }
/** Four stop strings of 460,000 letters: a row of 1.84 MB. */
const stop = Array.from({ length: 4 }, (_, i) => String(i).repeat(460_000))
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt, stop, store: true, maxTokens: 40, ignoreEos: true, bodyHash: 'b'.repeat(64), ...changes })

/** Bytes of pages in use, those of the largest rows included. */
function bytesOf(sql: Sql): number {
  const [{ page_count: pages }] = sql.exec('PRAGMA page_count').toArray()
  const [{ freelist_count: free }] = sql.exec('PRAGMA freelist_count').toArray()
  return 4096 * (Number(pages) - Number(free))
}

async function readOn({ lane }: MockLane, id: string) {
  const events = []
  for await (const event of decodeEvents(lane.resume('tenant', id))) events.push(event)
  return events
}

describe('forks of a row of 1.84 MB', () => {
  test('store it once: 200 of them are less than a megabyte', async () => {
    const kept = laneStorage()
    const made = laneOn(kept)
    const [{ session }] = eventsOf(await ask(made.lane, asked()), 'session')
    const source = made.lane.sessions.find('tenant', session)
    const before = bytesOf(kept.sql)
    const charged = made.lane.sessions.ledger.totals.of('tenant').bytes
    const copies = Array.from({ length: 200 }, () => made.lane.owned.fork('tenant', session, '0'))
    expect(bytesOf(kept.sql) - before).toBeLessThan(1e6)
    const now = made.lane.sessions.ledger.totals.of('tenant')
    expect(now.sessions).toBe(201)
    expect(now.bytes - charged).toBeLessThan(1e6)
    // Also when a fork is forked, and when all are read again, by this object and the next.
    const again = made.lane.owned.fork('tenant', copies[7].id, '0')
    expect(made.lane.sessions.find('tenant', again.id).request.stop).toEqual(stop)
    for (const lane of [made, laneOn(kept)])
      for (const { id } of [copies[0], copies[199], again])
        expect(idsOf(await readOn(lane, id))).toEqual(source.generated)
    expect(bytesOf(kept.sql) - before).toBeLessThan(1e6)
    expect({ ...made.lane.sessions.find('tenant', session), usedAt: 0, expiresAt: 0 }).toEqual({
      ...source,
      usedAt: 0,
      expiresAt: 0,
    })
  })

  test('outlive it, go on by themselves, and leave nothing', async () => {
    const kept = laneStorage()
    const made = laneOn(kept)
    const whole = await ask(made.lane, asked())
    const [{ session }] = eventsOf(whole, 'session')
    const [one, two] = [0, 1].map(() => made.lane.owned.fork('tenant', session, '0').id)
    await made.lane.owned.remove('tenant', session)
    const { lane } = laneOn(kept)
    expect(textOf(await readOn({ lane } as MockLane, one))).toBe(textOf(whole))
    const ids = [...prompt.ids, ...idsOf(whole), 5]
    const more = await ask(
      lane,
      asked({ session: one, sessionKey: one, prompt: { kind: 'ids', ids }, stop: [] }),
    )
    expect(idsOf(more)).toEqual(greedyAlone(ids, 40))
    expect(lane.sessions.find('tenant', two).request.stop).toEqual(stop)
    await lane.owned.remove('tenant', two)
    expect(kept.sql.exec('SELECT id FROM shared_parts').toArray()).toEqual([])
    await lane.owned.removeAll('tenant')
    expect(lane.sessions.ledger.totals.tenants).toEqual([])
  })

  test('of an answer that was left go on from there, each for itself', async () => {
    const kept = laneStorage()
    const made = laneOn(kept)
    let session = ''
    let texts = 0
    for await (const event of decodeEvents(made.lane.generate(asked()))) {
      if (event.type === 'session') ({ session } = event)
      if (event.type === 'text' && ++texts === 5) break
    }
    while (made.lane.sessions.driven > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const copy = made.lane.owned.fork('tenant', session, '0')
    expect(idsOf(await readOn(made, copy.id))).toEqual(greedyAlone(prompt.ids, 40))
    expect(made.lane.sessions.find('tenant', session).generated.length).toBeLessThan(40)
    expect(made.lane.sessions.find('tenant', copy.id)).toMatchObject({ state: 'done', request: { stop } })
    const next = laneOn(kept)
    expect(idsOf(await readOn(next, session))).toEqual(greedyAlone(prompt.ids, 40))
  })

  test('are found by a retry of what their source asked', async () => {
    const kept = laneStorage()
    const made = laneOn(kept)
    const first = await ask(made.lane, asked())
    const [{ session }] = eventsOf(first, 'session')
    made.lane.owned.fork('tenant', session, '0')
    const again = await ask(laneOn(kept).lane, asked({ retry: true }))
    expect(eventsOf(again, 'session')[0].session).toBe(session)
    expect(idsOf(again)).toEqual(idsOf(first))
  })
})
