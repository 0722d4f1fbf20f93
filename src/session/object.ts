// The Durable Object of a lane: each method hands on to Lane. The isolate's one engine lives here, at module scope.

import { DurableObject } from 'cloudflare:workers'
import type { GenerateRequest } from '../engine/events.ts'
import { loadModel, planMemory } from '../engine/load-model.ts'
import { loadPrefix } from '../engine/prefix.ts'
import { usableModules } from '../kernels/wasm.ts'
import { weightBytes } from '../weights/stream.ts'
import { assetSource, readModelText, type Assets } from './asset-source.ts'
import { Isolate } from './isolate.ts'
import { Lane, type LaneConfig } from './lane.ts'
import type { LaneHealth } from './lane-client.ts'
import { LOGIT_ROWS, poolPages } from './memory-plan.ts'
import type { Clock } from './pacer.ts'
import { sqlWindowStore } from './window-store.ts'

export type LaneSetup = {
  config: LaneConfig
  assets: Assets
  modules: Parameters<typeof usableModules>[0]
}

const isolate = new Isolate()

const clock: Clock = { now: () => Date.now(), wait: (ms) => scheduler.wait(ms) }

export class LaneBase<Env> extends DurableObject<Env> {
  readonly #lane: Lane

  constructor(ctx: DurableObjectState, env: Env, { config, assets, modules }: LaneSetup) {
    super(ctx, env)
    const source = assetSource(assets, config.model)
    const kernels = usableModules(modules)
    this.#lane = new Lane({
      config,
      isolate,
      clock,
      store: sqlWindowStore(ctx.storage.sql),
      readText: () => readModelText(source),
      readModel({ manifest }, window, onProgress) {
        const options = {
          window,
          chunk: config.chunk,
          logitRows: LOGIT_ROWS,
        }
        const pages = poolPages(planMemory(manifest.spec, weightBytes(manifest), options))
        return loadModel(manifest, source, { ...options, pages, kernels, onProgress })
      },
      readPrefix: ({ manifest }, model) => loadPrefix(manifest, source, model),
      log: (entry) => console.error(JSON.stringify(entry)),
    })
  }

  generate(request: GenerateRequest): ReadableStream<Uint8Array> {
    return this.#lane.generate(request)
  }

  health(): LaneHealth {
    return this.#lane.health()
  }

  memoryReset(): Promise<void> {
    return this.#lane.memoryReset()
  }
}
