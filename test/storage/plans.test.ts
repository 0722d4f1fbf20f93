// These tests ask SQLite how it runs each query of a lane: by an index, so that time goes with what is asked for.

import { expect, test } from 'vitest'
import { ask, eventsOf, laneOn, laneStorage } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'

const prompt = { kind: 'ids' as const, ids: Array.from({ length: 60 }, (_, i) => (i * 7 + 31) % 251) }
const messages = [{ role: 'user', content: 'Hi' }]
const asked = (changes: Parameters<typeof request>[0] = {}) =>
  request({ prompt, store: true, maxTokens: 30, ignoreEos: true, ...changes })

/** What an object does once when it starts, and what reads a list of tenants or a single value. */
const ONCE = [
  /GROUP BY tenant/,
  /NOT IN \(SELECT id FROM run_use\)/,
  /ORDER BY session, turn LIMIT/,
  /WHERE version <>/,
  /FROM (ledger|sqlite_master|fallback_window)/,
]

test('no query goes through a table, or sorts what it finds', async () => {
  const queries = new Set<string>()
  const sql = nodeSql((query) => void queries.add(query))
  const kept = { ...laneStorage(), sql }
  const budget = { tenantBytes: 400_000, tenantSessions: 4, laneBytes: 300_000 }
  const options = { config: { budget, lifetimes: { pages: 0, sessions: 1e6, turns: 1e6 } } }
  const { lane } = laneOn(kept, options)
  const reply = 'x'.repeat(30_000)
  for (const sessionKey of ['a', 'b', 'c', 'd', 'e', 'f']) await ask(lane, asked({ sessionKey, reply }))
  const first = await ask(lane, asked({ sessionKey: 'g', bodyHash: 'b', retry: true }))
  const chat = { prompt: { kind: 'chat' as const, messages }, conversation: messages, background: true }
  const [{ session }] = eventsOf(await ask(lane, asked(chat)), 'session')
  const [{ turn }] = eventsOf(await ask(lane, asked({ ...chat, session })), 'session')
  lane.owned.list('tenant', { limit: 2, after: { id: session, usedAt: 1e12 } })
  await lane.owned.listed('tenant', { limit: 3 })
  lane.owned.fork('tenant', eventsOf(first, 'session')[0].session, '0')
  lane.owned.fork('tenant', lane.owned.list('tenant').at(-1)?.id ?? '', '0')
  await lane.turn('tenant', turn)
  lane.sessions.knows(asked())
  await lane.awake()
  await lane.owned.removeTurn('tenant', turn)
  await lane.owned.remove('tenant', session)
  await lane.owned.removeAll('tenant')

  const read = [...queries].filter((query) => /^(SELECT|UPDATE|DELETE)/.test(query))
  expect(read.length).toBeGreaterThan(35)
  const slow = read
    .filter((query) => !ONCE.some((once) => once.test(query)))
    .map((query) => {
      const marks = (query.match(/\?/g) ?? []).map(() => 0)
      const plan = sql.exec(`EXPLAIN QUERY PLAN ${query}`, ...marks).toArray()
      return { query, plan: plan.map(({ detail }) => String(detail)) }
    })
    .filter(({ plan }) =>
      plan.some((detail) =>
        /SCAN (?!.* USING (COVERING )?INDEX (run_to_delete|turns_unfinished|turns_by_expiry))|TEMP B-TREE/.test(
          detail,
        ),
      ),
    )
  expect(slow).toEqual([])
})
