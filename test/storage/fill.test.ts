// One tenant sends request after request against its budget: bytes stay within it, and another tenant's sessions survive.
// ISLET_FILL=200000 sends so many, and writes docs/results/fill.json.

import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ask, eventsOf, idsOf, laneOn, laneStorage } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const REQUESTS = Number(process.env['ISLET_FILL'] ?? 1500)
const BUDGET = { tenantBytes: 2e6, tenantSessions: 500, laneBytes: 16e6 }

/** Each request is another session, and one in a hundred is large. */
function asked(number: number, tenant = 'hostile') {
  const ids = [
    number & 127,
    (number >> 7) & 127,
    (number >> 14) & 127,
    ...Array.from({ length: 17 }, (_, i) => i),
  ]
  const large = number % 100 === 0
  return request({
    tenant,
    sessionKey: `key-${number}`,
    prompt: { kind: 'ids', ids },
    store: true,
    maxTokens: 1,
    ignoreEos: true,
    reply: large ? 'x'.repeat(200_000) : null,
  })
}

test('bytes stay within the budget', async () => {
  const sql = nodeSql()
  const clock = {
    now: () => performance.now(),
    wait: () => new Promise<void>((resolve) => setImmediate(resolve)),
  }
  const logged: unknown[] = []
  const { lane } = laneOn(
    { ...laneStorage(), sql },
    {
      config: { budget: BUDGET },
      parts: { clock, log: (entry) => void logged.push(entry) },
      model: { pageCount: 64 },
    },
  )
  const { ledger } = lane.sessions
  const inUse = (): number => {
    const [{ page_count: pages }] = sql.exec('PRAGMA page_count').toArray()
    const [{ freelist_count: free }] = sql.exec('PRAGMA freelist_count').toArray()
    return 4096 * (Number(pages) - Number(free))
  }
  const others: { session: string; ids: number[] }[] = []
  for (let number = 0; number < 5; number++) {
    const events = await ask(lane, asked(number, 'other'))
    others.push({ session: eventsOf(events, 'session')[0].session, ids: idsOf(events) })
  }
  const [most, peak] = [{ bytes: 0, sessions: 0, inUse: 0, stored: 0 }, { ms: 0 }]
  const began = performance.now()
  for (let number = 0; number < REQUESTS; number++) {
    const start = performance.now()
    const events = await ask(lane, asked(number))
    peak.ms = Math.max(peak.ms, performance.now() - start)
    most.stored += eventsOf(events, 'session').length
    const { bytes, sessions } = ledger.totals.of('hostile')
    most.bytes = Math.max(most.bytes, bytes)
    most.sessions = Math.max(most.sessions, sessions)
    if (number % 100 === 0) most.inUse = Math.max(most.inUse, inUse())
  }
  const seconds = (performance.now() - began) / 1000

  expect(most.stored).toBe(REQUESTS)
  expect(most.bytes).toBeLessThanOrEqual(BUDGET.tenantBytes)
  expect(most.sessions).toBeLessThanOrEqual(BUDGET.tenantSessions)
  // The charge covers keys, indexes and SQLite's half-full pages.
  expect(most.inUse).toBeLessThan(1.25 * BUDGET.tenantBytes)
  expect(logged).toEqual([])
  // The other tenant's sessions are there, with their answers and pages.
  expect(lane.owned.list('other').map(({ id }) => id)).toEqual(others.map(({ session }) => session).reverse())
  for (const { session, ids } of others) expect(lane.owned.find('other', session).generated).toEqual(ids)
  expect(lane.owned.list('other').every(({ storage }) => storage.pages === 1)).toBe(true)
  if (process.env['ISLET_FILL'] === undefined) return
  const result = {
    requests: REQUESTS,
    budget: BUDGET,
    seconds: Math.round(seconds),
    mostBytes: most.bytes,
    mostSessions: most.sessions,
    mostBytesOfPagesInUse: most.inUse,
    longestRequestMs: Math.round(peak.ms),
    otherTenant: { sessions: others.length, kept: lane.owned.list('other').length },
  }
  writeFileSync(
    new URL('../../docs/results/fill.json', import.meta.url),
    `${JSON.stringify(result, undefined, 1)}\n`,
  )
}, 3_600_000)
