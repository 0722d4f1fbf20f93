// The lane's Durable Object answers lane calls by its Lane, and holds the isolate's one engine.

import { DurableObject } from 'cloudflare:workers'
import type { ConversationEntry } from '../protocol/conversations.ts'
import type { GenerateRequest } from '../protocol/generation.ts'
import type { EmbedRequest, ScoreRequest } from '../protocol/scores.ts'
import type { TokenRequest } from '../protocol/tokens.ts'
import { loadModel, type LoadOptions } from '../graph/load-model.ts'
import { planMemory } from '../graph/memory-layout.ts'
import { loadPrefix } from '../graph/prefix-pages.ts'
import { usableModules } from '../kernels/wasm.ts'
import { weightBytes } from '../weights/stream.ts'
import { assetSource, readModelText, type Assets } from './asset-source.ts'
import { Isolate } from './isolate.ts'
import { Lane, type LaneConfig } from './lane.ts'
import type { LaneHealth, LaneMetrics, SessionPage, SessionView, TurnView } from '../protocol/lane-reports.ts'
import type { SessionMemory } from '../protocol/memory.ts'
import { laneOfSession } from '../protocol/ids.ts'
import type { LaneMethods, Outcome } from '../protocol/calls.ts'
import { LOGIT_ROWS, poolPages } from './memory-plan.ts'
import type { Clock } from '../lib/clock.ts'
import type { OwnedSessions } from './owned-sessions.ts'
import type { Sql } from '../storage/sql.ts'
import { errorEvent } from '../protocol/wire.ts'
import type { ByteSource } from '../weights/source.ts'
import type { ModelReader } from './windowed-loader.ts'

export type LaneSetup = {
  config: LaneConfig
  assets: Assets
  modules: Parameters<typeof usableModules>[0]
  /** Whose engine this lane works with; default: the one of all lanes in this JavaScript isolate. */
  isolate?: Isolate
  /** Reads a model whose stages lie in several isolates; default: all of it comes here. */
  chain?: ChainOf
}

/** Makes the reader of a chain for one lane. */
export type ChainOf = (lane: {
  /** The lane's, which its stages' objects have too. */
  name: string
  config: LaneConfig
  source: ByteSource
  kernels: LoadOptions['kernels']
  clock: Clock
  onMissing(runs: readonly number[]): void
}) => ModelReader['readModel']

/** Lanes that the platform puts into one JavaScript isolate share its memory, and with it one engine. */
const shared = new Isolate()

const log = (entry: Record<string, unknown>): void => console.error(JSON.stringify(entry))

const clock: Clock = { now: () => Date.now(), wait: (ms) => scheduler.wait(ms) }

export class LaneBase<Env> extends DurableObject<Env> implements LaneMethods {
  readonly #lane: Lane
  readonly #sessions: OwnedSessions

  constructor(ctx: DurableObjectState, env: Env, setup: LaneSetup) {
    super(ctx, env)
    const { config, assets, modules, isolate = shared } = setup
    const source = assetSource(assets, config.model)
    const kernels = usableModules(modules)
    const sql = ctx.storage.sql as Sql
    const id = ctx.id.toString()
    const onMissing = (runs: readonly number[]): void => this.#lane.sessions.pages.forget(runs)
    const readChain = setup.chain?.({ name: ctx.id.name ?? id, config, source, kernels, clock, onMissing })
    this.#lane = new Lane({
      config,
      isolate,
      clock,
      storage: {
        id,
        sql,
        newId: () => crypto.randomUUID().replaceAll('-', ''),
        wakeAt: (time) =>
          void ctx.storage
            .setAlarm(time)
            .catch((error: unknown) => log({ code: 'storage_lost', message: String(error) })),
      },
      readText: () => readModelText(source),
      isChain: readChain !== undefined,
      readModel(text, window, onProgress, onArrival) {
        if (readChain !== undefined) return readChain(text, window, onProgress, onArrival)
        const { manifest } = text
        const options = {
          window,
          chunk: config.chunk,
          logitRows: LOGIT_ROWS,
        }
        const plan = planMemory(manifest.spec, weightBytes(manifest), options)
        const pages = poolPages(plan, config.kvBudget, config.reserve)
        return loadModel(manifest, source, { ...options, pages, kernels, onProgress, onArrival })
      },
      readPrefix: ({ manifest }, model) => loadPrefix(manifest, source, model),
      log,
    })
    this.#sessions = this.#lane.owned
    void ctx.blockConcurrencyWhile(async () => {
      const time = await ctx.storage.getAlarm()
      if (time !== null) this.#lane.alarm.isSet(time)
    })
  }

  generate(request: GenerateRequest, lane: string): ReadableStream<Uint8Array> {
    return this.#lane.generate(request, lane)
  }

  resume(tenant: string, id: string): ReadableStream<Uint8Array> {
    return this.#lane.resume(tenant, id)
  }

  score(request: ScoreRequest | EmbedRequest): ReadableStream<Uint8Array> {
    return this.#lane.score(request)
  }

  tokens(request: TokenRequest): ReadableStream<Uint8Array> {
    return this.#lane.tokens(request)
  }

  async sessions(tenant: string, page: SessionPage): Promise<SessionView[]> {
    return (await this.#lane.ready()).listed(tenant, page)
  }

  session(tenant: string, id: string): Promise<Outcome<SessionView>> {
    return outcome(async () => {
      this.#sessions.find(tenant, id) // nothing is read for an id of nothing
      const sessions = await this.#lane.ready()
      return sessions.view(sessions.find(tenant, id))
    })
  }

  memory(tenant: string, id: string): Promise<Outcome<SessionMemory>> {
    return outcome(() => this.#lane.memory(tenant, id))
  }

  fork(tenant: string, id: string): Promise<Outcome<SessionView>> {
    return outcome(async () => {
      this.#sessions.find(tenant, id)
      return (await this.#lane.ready()).fork(tenant, id, laneOfSession(id))
    })
  }

  remove(tenant: string, id: string): Promise<Outcome<null>> {
    return outcome(() => this.#sessions.remove(tenant, id).then(() => null))
  }

  removeAll(tenant: string): Promise<number> {
    return this.#sessions.removeAll(tenant)
  }

  turn(tenant: string, id: string): Promise<Outcome<TurnView>> {
    return outcome(() => this.#lane.turn(tenant, id))
  }

  keepConversation(entry: ConversationEntry, lane: string): Promise<Outcome<string>> {
    return outcome(async () => (await this.#lane.ready()).keepConversation(entry, lane))
  }

  removeTurn(tenant: string, id: string): Promise<Outcome<null>> {
    return outcome(() => this.#sessions.removeTurn(tenant, id).then(() => null))
  }

  cancelTurn(tenant: string, id: string): Promise<Outcome<TurnView>> {
    return outcome(() => this.#lane.cancelTurn(tenant, id))
  }

  override alarm(): Promise<void> {
    return this.#lane.awake()
  }

  health(): LaneHealth {
    return this.#lane.health()
  }

  metrics(): LaneMetrics {
    return this.#lane.meter.metrics()
  }

  memoryReset(): Promise<void> {
    return this.#lane.memoryReset()
  }
}

/** Errors cross RPC as values: what it throws loses its code. */
async function outcome<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    const event = errorEvent(error)
    if (event.code === 'internal_error')
      console.error(JSON.stringify({ code: event.code, message: String(error) }))
    return { error: event }
  }
}
