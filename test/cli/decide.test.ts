// `islet decide`: the reply of the endpoint to a body in a file, and what is wrong with one.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { command } from '../../cli/decide.ts'
import { createApp } from '../../src/api/app.ts'
import { createLanes } from '../../src/routing/client.ts'
import type { LaneStub } from '../../src/protocol/calls.ts'
import { nodeSql } from '../helpers/node-sql.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'
import { tinyLane } from '../helpers/stored-object.ts'

const folder = mkdtempSync(join(tmpdir(), 'islet-decide-'))
afterAll(() => rmSync(folder, { recursive: true }))

const BODY = {
  input: 'The keeper climbs the steps each evening and trims the lamp.',
  questions: [
    { type: 'predicate', name: 'lamp', instructions: 'Somebody trims a lamp.' },
    { type: 'choice', instructions: 'Who is it?', choices: [{ value: 'the keeper' }, { value: false }] },
  ],
}

async function decide(body: string, ...more: string[]): Promise<string> {
  const file = join(folder, 'F.json')
  writeFileSync(file, body)
  let printed = ''
  await command.run([TINY_FOLDER, file, ...more], (text) => void (printed += text))
  return printed
}

test('answers as the endpoint does over a lane with the same window', async () => {
  const { lane } = tinyLane(nodeSql(), 'a')
  const stub = { score: (asked) => Promise.resolve(lane.score(asked)) } as LaneStub
  const lanes = createLanes(() => stub, {
    lanes: 1,
    regions: [],
    region: undefined,
    model: 'tiny',
    log: () => undefined,
  })
  const app = createApp({
    lanes: () => lanes,
    config: { apiKeys: undefined },
    now: () => 0,
    newId: () => 'id',
    newSeed: () => 0,
  })
  const body = JSON.stringify({ ...BODY, model: 'tiny' })
  const response = await app.request('http://localhost/v1/decisions', { method: 'POST', body })
  const wanted = (await response.json()) as { answers: unknown[]; islet: object }
  expect(wanted.answers).toHaveLength(2)
  const printed = JSON.parse(await decide(JSON.stringify(BODY), '--window', '256')) as typeof wanted
  expect(printed.islet).toEqual(wanted.islet)
  expect(printed.answers).toEqual(wanted.answers)
})

test.each<[string, string, object]>([
  ['no JSON', '{', { code: 'invalid_request' }],
  ['a field that nobody defines', JSON.stringify({ ...BODY, top_p: 1 }), { param: 'top_p' }],
  ['another model', JSON.stringify({ ...BODY, model: 'gpt' }), { code: 'model_not_found' }],
])('refuses %s', async (_, body, error) => {
  await expect(decide(body)).rejects.toMatchObject(error)
})
