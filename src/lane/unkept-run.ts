// An unkept run drives turns that sample nothing and are not stored, for scores and for vectors.

import type { ModelText } from '../answer/model-text.ts'
import type { Turn, TurnOptions } from '../engine/turn.ts'
import { errorCode } from '../lib/errors.ts'
import type { GenerationEvent } from '../protocol/generation.ts'
import type { Loaded } from './isolate.ts'
import { engineFailure, Patience } from './patience.ts'
import type { TurnHost } from './turn-host.ts'
import { CPU_LIMIT, cpuLimit, giveWay, QUEUED_MS } from './turn-run.ts'

/** What such a run needs of its lane. */
export type UnkeptHost = { host: TurnHost; signal: AbortSignal }

export type UnkeptRun = UnkeptHost & {
  /** In the shape in which giveWay asks for it. */
  record: { request: { tenant: string } }
  text: ModelText
  loaded: Loaded
}

/** The events of `work` on an engine, and where that fails, from its beginning on another one. */
export async function* onEngines(
  { host, signal }: UnkeptHost,
  work: (loaded: Loaded) => AsyncGenerator<GenerationEvent>,
): AsyncGenerator<GenerationEvent, void> {
  const patience = new Patience()
  for (;;) {
    const loaded = yield* host.untilLoaded(signal)
    if (loaded === undefined) return
    try {
      yield* work(loaded)
      return
    } catch (error) {
      const { failure } = loaded.engine
      if (failure === undefined) throw error
      if (patience.isOver(failure)) throw engineFailure(error)
      host.rebuild()
    }
  }
}

/** A turn of the run; undefined while the engine's own queue is full. */
export function openedTurn({ host, loaded }: UnkeptRun, options: TurnOptions): Turn | undefined {
  try {
    return loaded.engine.open({ ...options, ...(host.vault !== undefined && { owner: host.vault }) })
  } catch (error) {
    if (errorCode(error) !== 'overloaded') throw error
    return undefined
  }
}

/**
 * One step for everybody who wants rows, after the host and new requests of others had their turn. Throws overloaded, with
 * an advice, where the platform ends the request.
 */
export async function stepOnce(run: UnkeptRun, advice: string): Promise<void> {
  const { host, loaded, signal } = run
  const { engine, model, pacer, first } = loaded
  if (first.isAnybodyNew) await giveWay(run)
  if (engine.isHeard) {
    if (await pacer.letRead()) return
  } else if (pacer.isDue) await pacer.restTogether(0, host.vault)
  if (signal.aborted) return
  if (model.signal.value === CPU_LIMIT) {
    model.signal.clear()
    throw cpuLimit(advice)
  }
  const stepped = engine.step(host.vault)
  const ran = typeof stepped === 'number' ? stepped : await stepped
  pacer.stepped(ran, host.vault)
  if (ran === 0) await pacer.restTogether(QUEUED_MS, host.vault)
}
