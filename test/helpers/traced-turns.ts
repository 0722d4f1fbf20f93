// Turns of the engine whose logits are traced, and the same request alone: one token at a time, without the engine.

import type { Engine } from '../../src/engine/engine.ts'
import { Feed } from '../../src/graph/feed.ts'
import type { LocalModel } from '../../src/graph/model.ts'
import type { Turn } from '../../src/engine/turn.ts'
import { argmax } from './mock-model.ts'
import { traceOf, Tracer, type Trace } from './trace.ts'

export type Request = { tenant: string; prompt: readonly number[]; maxTokens: number }

/** A turn, with the rows from which its ids were chosen. */
export type TracedTurn = { request: Request; turn: Turn; trace: () => Trace }

/** Opens a greedy turn. */
export function openTraced(engine: Engine, request: Request): TracedTurn {
  const tracer = new Tracer()
  const turn = engine.open({
    ...request,
    choose: (logits) => {
      tracer.add(logits)
      return { id: argmax(logits), stop: false }
    },
  })
  return { request, turn, trace: () => tracer.end() }
}

export const isOver = ({ state }: Turn): boolean => state === 'done' || state === 'failed'

/** Steps until the turns are over; their readers take everything at once. `onStep` may open, close and hold back. */
export function runTurns(
  engine: Engine,
  turns: readonly TracedTurn[],
  onStep?: (step: number) => void,
): void {
  for (let step = 0; turns.some(({ turn }) => !isOver(turn)); step++) {
    if (step > 5000) throw new Error('no progress')
    onStep?.(step)
    engine.step()
    for (const { turn } of turns) {
      if (turn.state === 'failed') throw turn.error
      turn.taken = turn.produced
    }
  }
}

/** The rows of a request that runs alone on a model of its own, matrix x vector throughout. */
export function traceAlone(model: LocalModel, { prompt, maxTokens }: Request): Trace {
  const feed = new Feed(model)
  return traceOf((onRow) => {
    feed.run(prompt.slice(0, -1), undefined, 1)
    let id = prompt[prompt.length - 1]
    for (let i = 0; i < maxTokens; i++) {
      feed.run([id], (logits) => {
        onRow(logits)
        id = argmax(logits)
      })
    }
  })
}
