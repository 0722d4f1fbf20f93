// This module runs scenarios of a client one by one, and prints what each came to for clients/run.ts.

import assert from 'node:assert/strict'

export const BASE_URL = 'http://127.0.0.1:8787/v1'
export const MODEL = 'smollm2-135m-instruct'

/** The proxy of clients/run.ts breaks the first connection that brings a value of this header. */
export const BREAK_ONCE = 'x-break-once'

export const QUESTION = 'I was charged twice this month, and I need my money back today!'
export const WAKE = 'Wake me at half past seven.'

/** Runs one scenario: it works when `run` ends without an error. `miss` says why it cannot, where that is known. */
export async function scenario(kind, name, run, miss) {
  const outcome = { kind, name, ok: true, miss }
  try {
    await run()
    delete outcome.miss
  } catch (error) {
    outcome.ok = false
    outcome.error = `${error?.name ?? ''}: ${error?.message ?? error}`.replaceAll(/\s+/g, ' ').slice(0, 300)
  }
  process.stdout.write(`@outcome ${JSON.stringify(outcome)}\n`)
}

/** Throws unless `value` is what the scenarios' schema of a ticket allows. */
export function checkTicket(value) {
  assert.deepEqual(Object.keys(value).sort(), ['summary', 'team', 'urgent'])
  assert.ok(['billing', 'technical', 'sales'].includes(value.team))
  assert.equal(typeof value.urgent, 'boolean')
  assert.ok(typeof value.summary === 'string' && value.summary.length <= 60)
}

/** Throws unless `value` holds the arguments of set_alarm. */
export function checkAlarm(value) {
  assert.deepEqual(Object.keys(value).sort(), ['hour', 'minute'])
  assert.ok(Number.isInteger(value.hour) && value.hour >= 0 && value.hour <= 23)
  assert.ok(Number.isInteger(value.minute) && value.minute >= 0 && value.minute <= 59)
}

export const TICKET_SCHEMA = {
  type: 'object',
  properties: {
    team: { enum: ['billing', 'technical', 'sales'] },
    urgent: { type: 'boolean' },
    summary: { type: 'string', maxLength: 60 },
  },
  required: ['team', 'urgent', 'summary'],
  additionalProperties: false,
}

export const ALARM_SCHEMA = {
  type: 'object',
  properties: {
    hour: { type: 'integer', minimum: 0, maximum: 23 },
    minute: { type: 'integer', minimum: 0, maximum: 59 },
  },
  required: ['hour', 'minute'],
  additionalProperties: false,
}
