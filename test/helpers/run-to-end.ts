// Steps an engine until its turns are over, their readers taking everything at once.

import type { Engine } from '../../src/engine/engine.ts'
import type { Turn } from '../../src/engine/turn.ts'

/** Throws what made a turn fail. */
export function runToEnd(engine: Engine, ...turns: Turn[]): void {
  for (let i = 0; turns.some(({ state }) => state === 'waiting' || state === 'running'); i++) {
    if (i > 5000) throw new Error('no progress')
    engine.step()
    for (const turn of turns) turn.taken = turn.produced
  }
  for (const turn of turns) if (turn.state === 'failed') throw turn.error
}
