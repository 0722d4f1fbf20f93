// The scheduler chooses the rows of a step: decode first, then prefill, shared among tenants.

import { pagesForWindow, type WindowOptions } from '../cache/window.ts'
import { PAGE_POSITIONS } from '../kernels/layout.ts'
import type { Model } from '../graph/model.ts'
import { QUANTUM } from './fair-share.ts'
import { isBehind, isStalled, pendingRows, type Turn } from './turn.ts'

/** The next `count` rows of a turn; the last `logits` of them yield logits, or states, which are counted as these. */
export type Part = { turn: Turn; count: number; logits: number }

/** Rows of a prompt that a tenant gets before the one that was served least is looked for again. */
const PREFILL_ROWS = 8

/**
 * Rows of a step while nobody else wants any but may come at any moment: whoever comes waits for its end.
 * Weights are read for four rows at a time, so that longer steps of a prompt are hardly faster.
 */
export const SHORT_ROWS = 8

/** Whether all turns that could use rows, but for those in the background, are of one tenant. */
export function isAlone(turns: readonly Turn[]): boolean {
  const wanting = turns.filter((turn) => !isStalled(turn) && !isBehind(turn))
  return new Set(wanting.map(({ tenant }) => tenant)).size <= 1
}

/** Rows of a short step: as many as the model allows where a prefix has to be one step. */
export function shortStep(running: readonly Turn[], maxRows: number, most = SHORT_ROWS): number {
  const hasPrefix = running.some(({ shape, sequence }) => shape.prefix > (sequence?.length ?? 0))
  return hasPrefix ? maxRows : Math.min(maxRows, most)
}

/**
 * Plans a step within the model's rows. `running` is in order of admission, save that the engine moves turns
 * that just decoded behind the others, so that with more of them than logit rows each has its share. Of
 * several tenants the one that was `served` fewest rows goes first, those of this step included; turns in the
 * background get what the others leave.
 */
export function planStep(
  running: readonly Turn[],
  model: Pick<Model, 'maxRows' | 'maxLogitRows'>,
  served: (tenant: string) => number = () => 0,
): Part[] {
  const ready = running.filter((turn) => !isStalled(turn))
  const plan = new StepPlan(model, served)
  const prefilling = ready.filter((turn) => pendingRows(turn) > 1)
  const decoding = ready.filter((turn) => pendingRows(turn) === 1)
  const late = prefilling.find((turn) => plan.isLate(turn, ready))
  if (late !== undefined) plan.prefill([late])
  const others = prefilling.filter((turn) => turn !== late)
  const front = (turns: readonly Turn[]): Turn[] => turns.filter((turn) => !isBehind(turn))
  // A prompt's last row needs logits too: decoding must not take them all, or that prompt would wait for
  // ever.
  plan.decode(front(decoding), front(others).length > 0 ? 1 : 0)
  plan.decode(decoding.filter(isBehind), others.length > 0 ? 1 : 0)
  plan.prefill(front(others))
  plan.prefill(others.filter(isBehind))
  return plan.parts
}

/**
 * Plans rows of prompts that yield nothing, at most `mostRows`. No page is given back within a step, so it ends where the first
 * position falls out of sight: a sequence then needs no more pages than admission has counted.
 */
export function planSilent(
  running: readonly Turn[],
  { window: { window = Infinity } }: Pick<Model, 'window'>,
  mostRows: number,
  served?: (tenant: string) => number,
): Part[] {
  const left = (turn: Turn): number => window - (turn.sequence?.length ?? 0)
  const turns = running.filter((turn) => left(turn) > 0)
  const maxRows = Math.min(mostRows, ...turns.map(left))
  return planStep(turns, { maxRows, maxLogitRows: 0 }, served)
}

/**
 * Rows that yield logits in one of `steps` that will be under way together: turns that decode are shared out among them, since one
 * isolate works on these while another works on those. A turn that wants logits of many rows takes all there are.
 */
export function groupOf(running: readonly Turn[], steps: number): number {
  const ready = running.filter((turn) => !isStalled(turn))
  const decoding = ready.filter((turn) => pendingRows(turn) === 1).length
  return decoding < 2 || decoding < ready.length ? Infinity : Math.ceil(decoding / steps)
}

class StepPlan {
  #rows: number
  #logitRows: number
  readonly #served: (tenant: string) => number
  readonly #given = new Map<string, number>()
  readonly #parts = new Map<Turn, Part>()

  constructor(
    { maxRows, maxLogitRows }: Pick<Model, 'maxRows' | 'maxLogitRows'>,
    served: (tenant: string) => number,
  ) {
    this.#rows = maxRows
    this.#logitRows = maxLogitRows
    this.#served = served
  }

  get parts(): Part[] {
    return [...this.#parts.values()]
  }

  /**
   * Whether a prefix that is one step has to be planned before others decode, since its tenant is owed so
   * much by all of them.
   */
  isLate(turn: Turn, ready: readonly Turn[]): boolean {
    if (turn.shape.prefix <= (turn.sequence?.length ?? 0) || isBehind(turn)) return false
    const others = ready.filter(({ tenant }) => tenant !== turn.tenant)
    const owed = ({ tenant }: Turn): number => this.#served(tenant) - this.#served(turn.tenant)
    return others.length > 0 && others.every((other) => owed(other) >= QUANTUM)
  }

  /** One row of each turn, while there are more than `reserved` rows that yield logits. */
  decode(turns: readonly Turn[], reserved: number): void {
    const queues = byTenant(turns)
    while (this.#rows > 0 && this.#logitRows > reserved) {
      const turn = this.#least(queues)?.shift()
      if (turn === undefined) return
      this.#give(turn, { turn, count: 1, logits: 1 })
    }
  }

  /** Prompts in order, a few rows at a time of the tenant that was served least. */
  prefill(turns: readonly Turn[]): void {
    const queues = byTenant(turns)
    while (this.#rows > 0) {
      const queue = this.#least(queues)
      if (queue === undefined) return
      const part = this.#more(queue[0])
      const before = this.#parts.get(queue[0])?.count ?? 0
      // A prefix that sees itself both ways is one step: it waits for one that has room, and so do those
      // behind it.
      if (part.count === 0 || (queue[0].sequence?.length ?? 0) + part.count < queue[0].shape.prefix)
        queue.length = 0
      else if (part.count === before) queue.shift()
      else this.#give(queue[0], part)
    }
  }

  /** The rows that the turn has in this step, and the next few of its prompt. */
  #more(turn: Turn): Part {
    const { count, logits } = this.#parts.get(turn) ?? { count: 0, logits: 0 }
    const held = turn.sequence?.length ?? 0
    const silent = turn.wantsFrom - held
    const most = Math.min(count + this.#rows, pendingRows(turn), silent + logits + this.#logitRows)
    const next = Math.min(most, Math.max(count + PREFILL_ROWS, turn.shape.prefix - held))
    return { turn, count: next, logits: Math.max(0, next - silent) }
  }

  #give(turn: Turn, part: Part): void {
    const before = this.#parts.get(turn)
    const rows = part.count - (before?.count ?? 0)
    this.#rows -= rows
    this.#logitRows -= part.logits - (before?.logits ?? 0)
    this.#given.set(turn.tenant, (this.#given.get(turn.tenant) ?? 0) + rows)
    this.#parts.set(turn, part)
  }

  /** The queue, of those that are not empty, whose tenant was served least; the first of several. */
  #least(queues: ReadonlyMap<string, Turn[]>): Turn[] | undefined {
    const count = (tenant: string): number => this.#served(tenant) + (this.#given.get(tenant) ?? 0)
    let least: [string, Turn[]] | undefined
    for (const entry of queues)
      if (entry[1].length > 0 && (least === undefined || count(entry[0]) < count(least[0]))) least = entry
    return least?.[1]
  }
}

function byTenant(turns: readonly Turn[]): Map<string, Turn[]> {
  return Map.groupBy(turns, ({ tenant }) => tenant)
}

/** Pages a sequence of `positions` needs at most while it runs, whatever was reused. */
export function pagesNeeded(positions: number, window: WindowOptions, chunk: number): number {
  const all = Math.ceil(positions / PAGE_POSITIONS)
  return window.window === undefined ? all : Math.min(all, pagesForWindow(window, chunk))
}
