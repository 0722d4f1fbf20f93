// The checklist, R1 to R3: responses, whose events have names and numbers.

import { expect, test } from 'vitest'
import { fakeLanes, HELLO, MODEL, post, start, stored, text } from '../api/helpers.ts'
import { framesOf } from './wire.ts'

const asked = { model: MODEL, input: 'q', stream: true }
const eventsOf = async (fake = fakeLanes()) =>
  framesOf(await (await post(fake, '/v1/responses', asked)).text()).events

test('R1: each event is named by its type, and they are numbered from 0', async () => {
  const events = await eventsOf(stored())
  for (const [index, { event, data }] of events.entries()) {
    const { type, sequence_number: number } = JSON.parse(data) as { type: string; sequence_number: number }
    expect(event).toBe(type)
    expect(number).toBe(index)
  }
})

test('R2: a stream ends with the whole response, and without [DONE]', async () => {
  const events = await eventsOf(fakeLanes(HELLO))
  const last = JSON.parse(events.at(-1)!.data) as {
    type: string
    response: { status: string; output: { content: { text: string }[] }[] }
  }
  expect(last.type).toBe('response.completed')
  expect(last.response.output[0].content[0].text).toBe('Hello 🌍')
  expect(events.some(({ data }) => data === '[DONE]')).toBe(false)
})

test('R3: a failure on the way ends it as failed', async () => {
  const events = await eventsOf(
    fakeLanes([start, text('a'), { type: 'error', code: 'engine_failure', message: 'm' }]),
  )
  expect(events.at(-1)?.event).toBe('response.failed')
})
