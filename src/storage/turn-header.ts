// A turn header holds the few columns that decide whether a request continues a turn.

import type { GenerateRequest } from '../protocol/generation.ts'
import type { TurnState } from '../protocol/lane-reports.ts'

export type TurnHeader = {
  session: string
  turn: string
  state: TurnState
  /** Ids of the prompt. */
  prompt: Uint32Array
  model: string
  bodyHash: string
  /** The turn stays when a later one of its session is inserted. */
  isKept: boolean
}

/**
 * Whether `request` retries the request that began this turn, and the turn can still be replayed or
 * continued. `now` names the model.
 */
export function isTryOf(
  { state, bodyHash, model }: TurnHeader,
  request: GenerateRequest,
  now: string,
): boolean {
  const open = state === 'running' || state === 'paused' || state === 'done'
  return open && bodyHash === request.bodyHash && model === now
}

/** Whether these ids begin with the turn's prompt. */
export function goesOnFrom({ prompt }: TurnHeader, ids: readonly number[]): boolean {
  return prompt.length <= ids.length && prompt.every((id, i) => id === ids[i])
}
