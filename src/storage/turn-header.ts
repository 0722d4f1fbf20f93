// What is looked at of the turns that a request may go on from, before one of them is read whole.

import type { GenerateRequest } from '../protocol/generation.ts'
import type { TurnState } from '../protocol/lanes.ts'

export type Outline = {
  session: string
  turn: string
  state: TurnState
  /** Ids of the prompt. */
  prompt: Uint32Array
  model: string
  bodyHash: string
  /** It stays when its session goes on. */
  isKept: boolean
}

/** Whether `request` is a later try of the request that began this turn, which can still be told or gone on with. */
export function isTryOf({ state, bodyHash, model }: Outline, request: GenerateRequest, now: string): boolean {
  const open = state === 'running' || state === 'paused' || state === 'done'
  return open && bodyHash === request.bodyHash && model === now
}

/** Whether these ids begin with the turn's prompt. */
export function goesOnFrom({ prompt }: Outline, ids: readonly number[]): boolean {
  return prompt.length <= ids.length && prompt.every((id, i) => id === ids[i])
}
