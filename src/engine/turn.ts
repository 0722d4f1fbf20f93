// A turn is one request on its way through the engine. It is plain state, and engine.ts moves it along.

import type { FinishReason } from '../protocol/generation.ts'
import type { PromptShape } from '../cache/prompt-shape.ts'
import type { Sequence } from './sequence.ts'
import type { Vault } from './vault.ts'

/** What a turn makes of logits: the next id, and whether the model's answer ends with it. */
export type Choice = { id: number; stop: boolean }

/**
 * Called once for each new token, inside the step that computed its logits: (vocab) f32, valid during the call only.
 * `position` is the one the chosen id will have.
 */
export type Choose = (logits: Float32Array, position: number) => Choice

export type TurnOptions = {
  tenant: string
  /** At least one id, each below the vocabulary's size. */
  prompt: readonly number[]
  /** What was generated of the answer before, to go on behind it. */
  generated?: readonly number[]
  /** At least 1, what was generated before included. */
  maxTokens: number
  choose: Choose
  /** Storage of the lane that asks, and the same again if the turn's pages may be kept there. */
  owner?: Vault
  vault?: Vault
  /** The session that it belongs to. */
  session?: string
}

export type TurnState = 'waiting' | 'running' | 'done' | 'failed'

export type Turn = {
  readonly tenant: string
  readonly promptTokens: number
  readonly maxTokens: number
  readonly choose: Choose
  readonly owner: Vault | undefined
  readonly vault: Vault | undefined
  readonly session: string | undefined
  /** Fixed by the prompt, also for what is generated. */
  readonly shape: PromptShape
  /** Prompt and what was generated so far. */
  readonly ids: number[]
  state: TurnState
  /** Set while running. */
  sequence: Sequence | undefined
  /** Order of admission: the youngest gives way first. */
  admittedAt: number
  /** Times that it left pages to another lane, which had not written them. */
  gaveWay: number
  /** What was generated when it was admitted. */
  producedBefore: number
  /** Prompt positions that were reused when the turn was first admitted; undefined before. */
  cachedTokens: number | undefined
  /** Tokens generated, and how many of them the reader has taken. */
  produced: number
  taken: number
  reason: FinishReason | undefined
  error: unknown
}

/** How far a reader may lag before its sequence waits for it. */
export const MAX_LAG = 32

export function newTurn(options: TurnOptions, shape: PromptShape): Turn {
  const generated = options.generated ?? []
  return {
    tenant: options.tenant,
    promptTokens: options.prompt.length,
    maxTokens: options.maxTokens,
    choose: options.choose,
    owner: options.owner,
    vault: options.vault,
    session: options.session,
    shape,
    ids: [...options.prompt, ...generated],
    state: 'waiting',
    sequence: undefined,
    admittedAt: 0,
    gaveWay: 0,
    producedBefore: generated.length,
    cachedTokens: undefined,
    produced: generated.length,
    taken: generated.length,
    reason: undefined,
    error: undefined,
  }
}

export function isStalled(turn: Turn): boolean {
  return turn.produced - turn.taken >= MAX_LAG
}

/** Ids without K and V yet: the rest of the prompt, or in decode the one last chosen. */
export function pendingRows(turn: Turn): number {
  return turn.ids.length - (turn.sequence?.length ?? 0)
}
