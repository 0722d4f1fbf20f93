// A turn is followed from its first request to a whole answer through aborts, kills and full lanes.

import { setTimeout as sleep } from 'node:timers/promises'
import { call, hear, hearWhole, Left, nothingHeard, Refused, type Ask, type Heard } from './client.ts'
import type { Counts } from './counts.ts'
import type { Choices, Turn } from './plan.ts'
import type { SoakTarget } from './worker.ts'

/** No answer takes longer than this, kills and a background answer's alarm (up to 30 s) included. */
const PATIENCE_MS = 180_000

/** Times that one turn is left, or fails without a kill, before its client stays or gives up. */
const MOST_LEAVES = 3
const MOST_FAILURES = 5

const WAIT_MS = 150

export type Obtained = { heard: Heard; disturbed: boolean }

type State = {
  heard: Heard
  tries: number
  disturbed: boolean
  leaves: number
  failures: number
  readOn: boolean
}

/** The whole answer, or why there is none. A client that abandons it never hears of it again. */
export async function obtain(
  target: SoakTarget,
  counts: Counts,
  turn: Turn,
  key: string,
  choose: Choices,
): Promise<Obtained | 'abandoned' | 'lost'> {
  const state: State = {
    heard: nothingHeard(),
    tries: 0,
    disturbed: false,
    leaves: 0,
    failures: 0,
    readOn: false,
  }
  const deadline = Date.now() + PATIENCE_MS
  while (Date.now() < deadline) {
    await target.up()
    const life = target.life
    try {
      await attempt(target, counts, turn, key, state, choose)
      const { heard } = state
      if (heard.done && heard.error === undefined) return { heard, disturbed: state.disturbed }
      if (heard.error !== undefined)
        throw new Refused(200, JSON.stringify({ ...heard.error, ...{ text: heard.text } }))
      if (!turn.background) throw new Error('the answer ended before its end')
      await sleep(WAIT_MS)
    } catch (error) {
      state.disturbed = true
      if (error instanceof Left) {
        counts.add('left')
        state.leaves += 1
        if (choose.chance(0.2)) {
          counts.add('abandoned')
          return 'abandoned'
        }
      } else if (error instanceof Refused && error.code === 'overloaded') {
        counts.add('refused')
        await sleep(WAIT_MS + choose.below(4 * WAIT_MS))
      } else if (error instanceof Refused && error.status === 409) {
        counts.add('conflicts')
        await sleep(WAIT_MS)
      } else if (life !== target.life) {
        counts.add('cut')
      } else {
        counts.blame('broken', `${turn.path} ${JSON.stringify(summary(state))}: ${reason(error)}`)
        if (++state.failures === MOST_FAILURES) break
        await sleep(WAIT_MS)
      }
      state.heard.error = undefined
      state.readOn = canReadOn(turn, state.heard) && (turn.background || choose.chance(0.5))
    }
  }
  counts.blame('lost', `${turn.path} ${JSON.stringify(summary(state))} ${turn.body.slice(0, 400)}`)
  return 'lost'
}

async function attempt(
  target: SoakTarget,
  counts: Counts,
  turn: Turn,
  key: string,
  state: State,
  choose: Choices,
): Promise<void> {
  const { heard } = state
  const leaves = state.leaves < MOST_LEAVES && choose.chance(0.2)
  const leaving: Partial<Ask> = !leaves
    ? {}
    : turn.stream
      ? { leaveAfterFrames: choose.below(14) }
      : { leaveAfterMs: 1 + choose.below(150) }
  if (turn.background && heard.response !== undefined && (!state.readOn || !turn.stream)) {
    const { status, body } = await call(target.url, { path: `/v1/responses/${heard.response}`, key })
    if (status !== 200) throw new Refused(status, JSON.stringify(body))
    hearWhole(body, heard)
    return
  }
  if (state.readOn) {
    counts.add('readOn')
    await hear(target.url, { ...readOn(heard), key, ...leaving }, heard)
    return
  }
  if (state.tries > 0) counts.add('retried')
  const again = { 'x-stainless-retry-count': String(state.tries) }
  const headers = { ...turn.headers, ...(state.tries > 0 && again) }
  state.tries += 1
  state.heard = nothingHeard()
  await hear(target.url, { path: turn.path, body: turn.body, key, headers, ...leaving }, state.heard)
}

function canReadOn(turn: Turn, { session, response }: Heard): boolean {
  if (turn.path === '/v1/responses') return response !== undefined && turn.stream
  return session !== undefined && turn.stream
}

function readOn({ session, response, frames, sequence }: Heard): Pick<Ask, 'path'> {
  if (response === undefined) return { path: `/v1/sessions/${session}/stream?after=${frames}` }
  const after = sequence < 0 ? '' : `&starting_after=${sequence}`
  return { path: `/v1/responses/${response}?stream=true${after}` }
}

function summary({ heard, ...state }: State): object {
  return { ...state, ...heard, text: heard.text.slice(0, 200) }
}

/** What was thrown, its cause included. */
export function reason(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message} (${cause.message})` : String(message)
}
