// A turn is one request on its way through the engine. It is plain state, and engine.ts moves it along.

import type { FinishReason } from '../protocol/generation.ts'
import type { PromptShape } from '../cache/prompt-shape.ts'
import type { Sequence } from './sequence.ts'
import type { Vault } from './vault.ts'

/** What the rows of a turn yield: (vocab) f32, or the model's last states, (hidden) f32, from which the head makes logits. */
export type TurnYield = 'logits' | 'hidden'

/** What a turn makes of logits: the next id, and whether the model's answer ends with it. */
export type Choice = { id: number; stop: boolean }

/**
 * Called once for each new token, inside the step that computed its logits: (vocab) f32, valid during the
 * call only. `position` is the one the chosen id will have.
 */
export type Choose = (logits: Float32Array, position: number) => Choice

/**
 * Called once for each id that was given, but the first, in order: (vocab) f32 from which `position` could
 * have been chosen, valid during the call only.
 */
export type Score = (logits: Float32Array, position: number) => void

export type TurnOptions = {
  tenant: string
  /** At least one id, each below the vocabulary's size. */
  prompt: readonly number[]
  /** What was generated of the answer before, to go on behind it. */
  generated?: readonly number[]
  /** At least 1, what was generated before included. */
  maxTokens: number
  choose: Choose
  /**
   * Hears the logits of what was given too, prompt and `generated`. Nothing of that is reused then, and a
   * step runs as many of its rows as the model yields logits for. Positions before a prefix ends that sees
   * itself both ways have no logits of their own.
   */
  score?: Score
  /**
   * Default: logits. With `hidden`, `score` hears the state of the row before each position in their place, and `choose`
   * that of the last row; it has nothing to choose from.
   */
  yields?: TurnYield
  /** The first row, by position, whose logits `score` hears: those before it may be reused. Default: all. */
  scoreFrom?: number
  /** Storage of the lane that asks, and the same again if the turn's pages may be kept there. */
  owner?: Vault
  vault?: Vault
  /** The session that it belongs to. */
  session?: string
  /** Nobody waits for it: it gets the rows and pages that other turns leave, of any tenant. */
  background?: boolean
  /**
   * It answers beside another turn of its prompt, from which its session goes on: no page of it is stored, and those that it
   * leaves in memory go before others.
   */
  aside?: boolean
  /** The same for all that answer one prompt of a request: pages that they share are counted once. */
  kin?: object
}

export type TurnState = 'waiting' | 'running' | 'done' | 'failed'

export type Turn = {
  readonly tenant: string
  readonly promptTokens: number
  readonly maxTokens: number
  readonly choose: Choose
  readonly score: Score | undefined
  readonly yields: TurnYield
  readonly owner: Vault | undefined
  readonly vault: Vault | undefined
  readonly session: string | undefined
  readonly background: boolean
  readonly aside: boolean
  readonly kin: object | undefined
  /** Fixed by the prompt, also for what is generated. */
  readonly shape: PromptShape
  /** Prompt and what was generated so far. */
  readonly ids: number[]
  /** The first row, by position, whose logits it waits for: those before only leave their keys and values. */
  wantsFrom: number
  state: TurnState
  /** Set while running. */
  sequence: Sequence | undefined
  /** Order of admission: the youngest gives way first. */
  admittedAt: number
  /** Times that it left pages to another lane, which had not written them. */
  gaveWay: number
  /** What was generated when it was admitted. */
  producedBefore: number
  /** Rows run since it was admitted, and how many of them had been run before. */
  ran: number
  redone: number
  /** Positions that were ever computed, whether they are still held or not. */
  reached: number
  /** Rows run again that do not count where pages are given. */
  forgiven: number
  /** Slices in a row that others took from it before their end. */
  lostSlices: number
  /** The engine's rows when it last ran one. */
  ranAt: number
  /** Rows that it may still run as if somebody waited for it, though it is in the background. */
  overdue: number
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
  const ids = [...options.prompt, ...generated]
  return {
    tenant: options.tenant,
    promptTokens: options.prompt.length,
    maxTokens: options.maxTokens,
    choose: options.choose,
    score: options.score,
    yields: options.yields ?? 'logits',
    owner: options.owner,
    vault: options.vault,
    session: options.session,
    background: options.background ?? false,
    aside: options.aside ?? false,
    kin: options.kin,
    shape,
    ids,
    wantsFrom:
      options.score === undefined
        ? ids.length - 1
        : Math.max(0, shape.prefix - 1, Math.min(options.scoreFrom ?? 0, ids.length - 1)),
    state: 'waiting',
    sequence: undefined,
    admittedAt: 0,
    gaveWay: 0,
    producedBefore: generated.length,
    ran: 0,
    redone: 0,
    reached: 0,
    forgiven: 0,
    lostSlices: 0,
    ranAt: 0,
    overdue: 0,
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

/** Whether all others go before it. */
export function isBehind(turn: Turn): boolean {
  return turn.background && turn.overdue <= 0
}

/** Whether it decodes, and somebody waits for its next token. */
export function isHeard(turn: Turn): boolean {
  const decodes = turn.state === 'running' && turn.produced > 0 && pendingRows(turn) === 1
  return decodes && !isStalled(turn) && !isBehind(turn)
}

/** Ids without K and V yet: the rest of the prompt, or in decode the one last chosen. */
export function pendingRows(turn: Turn): number {
  return turn.ids.length - (turn.sequence?.length ?? 0)
}

/** Ids of which the cache may hold all but the last: the row of that one is run, for its logits. */
export function reusableIds({ ids, wantsFrom }: Turn): readonly number[] {
  return ids.slice(0, wantsFrom + 1)
}
