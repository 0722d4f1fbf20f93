// Chain lanes are lanes whose model has stages in other scripts, which they reach by their bindings.

import { ChainReader, type KeptHub } from './chain/read-chain.ts'
import type { StageMethods } from './chain/calls.ts'
import { CHAIN_LOGIT_ROWS } from './graph/chain-memory.ts'
import { poolPages } from './lane/memory-plan.ts'
import type { ChainOf } from './lane/object.ts'
import { regionOf, type Region } from './protocol/ids.ts'

/** A stage's objects, in another script. */
export type StageNamespace = { getByName(name: string, options?: { locationHint?: Region }): StageMethods }

/** `STAGE_1` is the class of the first script behind the hub, and so on; tools/chain-scripts.ts writes them. */
export type StageBindings = { [binding: `STAGE_${number}`]: StageNamespace | undefined }

/** Of the isolate, whose lanes come and go. */
const hubs: KeptHub = {}

/**
 * The chain of each lane by the bindings of the script. A stage's object has the name of its lane's and its location hint; without
 * one the platform puts it where it is first asked from, which is near the lane. `chunks`: for benchmarks (ChainReaderParts).
 * Throws Error for a stage that is not bound, when it is needed.
 */
export function chainByBindings(env: StageBindings, chunks?: number): ChainOf {
  return ({ name, config, source, kernels, clock, onMissing }) => {
    const { chunk, kvBudget, reserve = 0 } = config
    const reader = new ChainReader({
      source,
      kernels,
      chunk,
      logitRows: CHAIN_LOGIT_ROWS,
      poolPages: (plan, isHub, beside) => poolPages(plan, kvBudget, (isHub ? reserve : 0) + beside),
      door: (index) => ({
        connect() {
          const stage = env[`STAGE_${index}`]
          if (stage === undefined)
            throw new Error(`there is no binding STAGE_${index} for a stage of the chain`)
          return stage.getByName(name, { locationHint: regionOf(name) })
        },
      }),
      clock,
      newId: () => crypto.randomUUID(),
      onMissing,
      hubs,
      chunks,
    })
    return ({ manifest }, window, onProgress) => reader.read(manifest, window, onProgress)
  }
}
