// Answers under a grammar by the embedded model: they validate, and a kill at any token changes nothing.

import { expect, test } from 'vitest'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { ask, eventsOf, idsOf, textOf } from '../helpers/mock-lane.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { request } from '../helpers/request.ts'
import { readOn, tinyLane } from '../helpers/stored-object.ts'

const schema = JSON.stringify({
  type: 'object',
  properties: {
    weather: { enum: ['clear', 'fog', 'storm'] },
    keepers: { type: 'integer', minimum: 1, maximum: 9 },
    note: { type: 'string' },
  },
  required: ['weather', 'keepers', 'note'],
})

const asked = (sampling: Partial<GenerateRequest['sampling']>) =>
  request({
    model: 'tiny',
    store: true,
    prompt: { kind: 'chat', messages: [{ role: 'user', content: 'The weather at the lamp, as JSON.' }] },
    maxTokens: 72,
    grammar: { kind: 'json_schema', schema },
    sampling: { ...request().sampling, ...sampling },
  })

test.each([
  ['temperature 0', { temperature: 0 }],
  ['temperature 1', { temperature: 1, seed: 21 }],
  ['temperature 1, top_p 0.9', { temperature: 1, topP: 0.9, seed: 22 }],
])('by a schema, %s', async (_, sampling) => {
  const sql = nodeSql()
  const made = tinyLane(sql, 'a')
  const whole = await ask(made.lane, asked(sampling))
  expect(made.logged.filter(({ code }) => code !== undefined)).toEqual([])
  const [finish] = eventsOf(whole, 'finish')
  expect(finish.reason).toBe('stop')
  const value = JSON.parse(textOf(whole)) as Record<string, unknown>
  expect(Object.keys(value)).toEqual(['weather', 'keepers', 'note'])
  expect(['clear', 'fog', 'storm']).toContain(value['weather'])
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9]).toContain(value['keepers'])
  expect(typeof value['note']).toBe('string')
  const [{ session }] = eventsOf(whole, 'session')
  for (let cut = 0; cut <= idsOf(whole).length; cut++) {
    // The row as it stood after that many ids.
    sql.exec(
      `UPDATE turns SET state = 'running', facts = json_remove(facts, '$.end'), generated = substr(generated, 1, ?)`,
      4 * cut,
    )
    const rest = await readOn(tinyLane(sql, 'b').lane, session)
    expect([idsOf(rest), eventsOf(rest, 'finish')[0].closedEarly], `after ${cut} ids`).toEqual([
      idsOf(whole),
      finish.closedEarly,
    ])
  }
})
