// A stage's Durable Object answers its lane by the isolate's one stage, and stores its part of pages.
// It is named by the lane and not reachable from outside.

import { DurableObject, RpcTarget } from 'cloudflare:workers'
import { loadModel } from '../graph/load-model.ts'
import { usableModules } from '../kernels/wasm.ts'
import { errorEvent } from '../protocol/wire.ts'
import type { Sql } from '../storage/sql.ts'
import type { Manifest } from '../weights/manifest.ts'
import type { ByteSource } from '../weights/source.ts'
import type { OpenReply, StageMethods, StageReport, StageSession } from './calls.ts'
import type { Failure, StageCall, StageReply, StageSetup } from './messages.ts'
import { RunStore } from './run-store.ts'
import { SentBuffers } from './sent-buffers.ts'
import { answerCall } from './stage-calls.ts'
import { StageIsolate, type StageReader } from './stage-isolate.ts'

export type StageObjectSetup = {
  source: ByteSource
  readManifest(source: ByteSource): Promise<Manifest>
  modules: Parameters<typeof usableModules>[0]
  /** Milliseconds that pages stay in storage after use. */
  pagesLiveMs: number
}

/** Objects of stages that the platform puts into one JavaScript isolate share its memory. */
const shared = new StageIsolate()

/** The alarm that deletes old pages rings at most so often. */
const LEAST_WAIT_MS = 10 * 60_000

export class StageBase<Env> extends DurableObject<Env> implements StageMethods {
  readonly #runs: RunStore
  readonly #reader: StageReader
  readonly #pagesLiveMs: number
  readonly #sent = new SentBuffers()
  #isAlarmSet = false

  constructor(ctx: DurableObjectState, env: Env, setup: StageObjectSetup) {
    super(ctx, env)
    const { source, modules, readManifest, pagesLiveMs } = setup
    const kernels = usableModules(modules)
    this.#runs = new RunStore(ctx.storage.sql as Sql, () => Date.now())
    this.#pagesLiveMs = pagesLiveMs
    this.#reader = {
      owner: ctx.id.toString(),
      now: () => Date.now(),
      newId: () => crypto.randomUUID(),
      read: async ({ engine: _, ...options }, onProgress) =>
        loadModel(await readManifest(source), source, { ...options, kernels, onProgress }),
    }
  }

  async open(setup: StageSetup): Promise<OpenReply> {
    try {
      const epoch = await shared.open(setup, this.#reader)
      this.#wakeToCollect()
      return { epoch, session: new Session((call) => this.#answer(call, epoch)) }
    } catch (error) {
      return { error: failureOf(error) }
    }
  }

  async report(): Promise<StageReport> {
    const { state, done, total, linearMemoryBytes } = shared
    return { state, done, total, linearMemoryBytes, storage: this.#runs.use }
  }

  override async alarm(): Promise<void> {
    this.#isAlarmSet = false
    const oldest = this.#runs.collect(Date.now() - this.#pagesLiveMs)
    if (oldest !== undefined) this.#wakeToCollect(oldest)
  }

  #answer(call: StageCall, epoch: string): StageReply {
    const began = performance.now()
    try {
      const stage = shared.stageOf(epoch, Date.now())
      try {
        const computed = answerCall(call, stage, this.#runs)
        this.#sent.sent(computed)
        return { ...computed, ms: performance.now() - began }
      } catch (error) {
        // Whatever was half done is nobody's any more.
        shared.drop()
        throw error
      }
    } catch (error) {
      return { ms: 0, error: failureOf(error) }
    }
  }

  #wakeToCollect(oldest = Date.now()): void {
    if (this.#isAlarmSet) return
    this.#isAlarmSet = true
    const due = Math.max(oldest + this.#pagesLiveMs, Date.now() + LEAST_WAIT_MS)
    void this.ctx.storage.setAlarm(due).catch((error: unknown) => failureOf(error))
  }
}

/** RPC carries what it extends, and calls its methods in the order in which they were made. */
class Session extends RpcTarget implements StageSession {
  readonly #answer: (call: StageCall) => StageReply

  constructor(answer: (call: StageCall) => StageReply) {
    super()
    this.#answer = answer
  }

  async call(message: StageCall): Promise<StageReply> {
    return this.#answer(message)
  }
}

/** As a value; what no reader should see goes to the log. */
function failureOf(error: unknown): Failure {
  const { code, message } = errorEvent(error)
  if (code === 'internal_error') console.error(JSON.stringify({ code, message: String(error) }))
  return { code, message }
}
