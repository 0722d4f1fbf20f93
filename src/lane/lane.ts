// A lane: the isolate's engine and the sessions of this object behind a few calls. Knows no Cloudflare module; object.ts makes a Durable Object of it.

import type { WindowOptions } from '../cache/window.ts'
import type { GenerateRequest, GenerationEvent } from '../protocol/generation.ts'
import type { Seed } from '../graph/prefix-pages.ts'
import { errorCode, IsletError } from '../lib/errors.ts'
import { takesWindow } from '../models/spec.ts'
import { Alarm } from './alarm.ts'
import type { ModelText } from '../answer/model-text.ts'
import { ReaderDriver } from './reader-driver.ts'
import { follow, prepare } from './follow-turn.ts'
import { guarded } from './fail-event.ts'
import type { Isolate, LoadedModel, Loader } from './isolate.ts'
import type { LaneHealth, TurnView } from '../protocol/lanes.ts'
import type { Clock } from './pacer.ts'
import { lacksLogprobs, type TurnRecord } from '../storage/turn-record.ts'
import { Sessions, unstored, type Lifetimes } from './sessions.ts'
import type { Sql } from '../storage/sql.ts'
import { TurnHost } from './turn-host.ts'
import { turnView } from './turn-view.ts'
import { errorEvent } from '../protocol/wire.ts'
import type { WindowStore } from '../storage/window-store.ts'
import { Windows } from './windows.ts'

export type LaneConfig = {
  /** Folder of the model, and its id. */
  model: string
  /** Positions, a window for each of so many equal runs of layers; [0] = full attention. */
  windows: readonly number[]
  sinks: number
  /** Rows of a step. */
  chunk: number
  /** Longest prompt with a window, in ids. */
  maxPrompt: number
  /** Requests that a lane works on or lets wait; one more is `overloaded`. */
  queue: number
  /** Bytes of KV pages in memory, but at least what one sequence needs; 0 = what the isolate affords. */
  kvBudget: number
  lifetimes: Lifetimes
}

/** Where a lane keeps its sessions, and how it is woken. */
export type LaneStorage = {
  /** Of the object that has it. */
  id: string
  sql: Sql
  newId(): string
  /** Asks for `awake` to be called at that time, milliseconds since 1970; earlier ones that were asked for are forgotten. */
  wakeAt(time: number): void
}

export type LaneParts = {
  config: LaneConfig
  isolate: Isolate
  clock: Clock
  store: WindowStore
  /** Without it nothing outlives memory. */
  storage?: LaneStorage
  readText(): Promise<ModelText>
  /** Loads the weights for that window. */
  readModel(
    text: ModelText,
    window: WindowOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<LoadedModel>
  /** Reads what the model brings computed; may reject. */
  readPrefix?(text: ModelText, model: LoadedModel): Promise<Seed | undefined>
  log(entry: Record<string, unknown>): void
}

/** How often what is due is looked for while answers grow. */
const TICK_MS = 250

/** Should an object die while a turn goes on unread, its alarm finds the turn after this long at most. */
const HEARTBEAT_MS = 30_000

/** What is to be deleted waits until there is some more of it. */
const LEAST_WAIT_MS = 10 * 60_000

export class Lane {
  readonly sessions: Sessions | undefined
  readonly alarm: Alarm
  readonly #parts: LaneParts
  readonly #loader: Loader
  readonly #windows: Windows
  #resetKnown = false
  #reading: Promise<ModelText> | undefined
  #open = 0
  #keeping = false

  constructor(parts: LaneParts) {
    this.#parts = parts
    this.#windows = new Windows(parts.config.windows, parts.config.sinks, parts.store)
    this.#loader = {
      clock: parts.clock,
      readText: () => this.#readText(),
      readModel: (text, onProgress) => this.#readModel(text, onProgress),
      readPrefix: (text, model) => this.#readPrefix(text, model),
      queueLimit: parts.config.queue,
    }
    const { storage, isolate, clock, config, log } = parts
    this.alarm = new Alarm((time) => {
      storage?.wakeAt(time)
      if (this.sessions !== undefined) this.sessions.use.alarms += 1
    })
    if (storage === undefined) return
    this.sessions = new Sessions({
      id: storage.id,
      sql: storage.sql,
      newId: storage.newId,
      now: clock.now,
      lifetimes: config.lifetimes,
      engine: () => (isolate.state === 'ready' ? isolate.inPlace?.engine : undefined),
      log,
    })
    isolate.inPlace?.engine.inherit(this.sessions.pages)
  }

  /** Events of one request as lines of JSON, made as they are read. A cancel pauses what is stored and ends what is not. */
  generate(request: GenerateRequest, lane = '0'): ReadableStream<Uint8Array> {
    const answer = (driver: ReaderDriver) => this.#answer(request, lane, driver)
    return this.#driver(request.requestId, answer).stream()
  }

  /** The events of a turn that began before, from its first on. */
  resume(tenant: string, id: string): ReadableStream<Uint8Array> {
    return this.#driver(id, (driver) => this.#readOn(() => this.#stored.find(tenant, id), driver)).stream()
  }

  /** The sessions, once it is known which model's they are. */
  async ready(): Promise<Sessions> {
    await this.#text()
    return this.#stored
  }

  /** A kept turn with what it has answered until now. */
  async turn(tenant: string, id: string): Promise<TurnView> {
    return turnView(this.#stored.find(tenant, id), await this.#text())
  }

  async cancelTurn(tenant: string, id: string): Promise<TurnView> {
    this.#stored.find(tenant, id)
    return turnView(await (await this.ready()).cancel(tenant, id), await this.#text())
  }

  /** Does what was put off: turns that go on unread, then deleting what has lived its time. */
  async awake(): Promise<void> {
    const { sessions, alarm } = this
    if (sessions === undefined) return
    alarm.forget()
    await this.#text()
    const unread = sessions.unread()
    // Should this object die now, the next one goes on.
    if (unread.length > 0) alarm.wake(this.#parts.clock.now() + HEARTBEAT_MS)
    await Promise.all(
      unread.map((record) => {
        const { requestId } = record.request
        const turn = this.#driver(requestId, (driver) => this.#readOn(() => record, driver))
        return turn.run(() => this.#parts.clock.wait(0))
      }),
    )
    const now = this.#parts.clock.now()
    const due = sessions.collect()
    alarm.forget()
    if (sessions.goOnUnread) alarm.wake(now + HEARTBEAT_MS)
    else if (due !== undefined) alarm.wake(Math.max(due, now + LEAST_WAIT_MS))
  }

  /** What the lane can do now; begins the load when it is cold. */
  health(): LaneHealth {
    const { isolate, config } = this.#parts
    void isolate.begin(this.#loader)
    const { failure, inPlace } = isolate
    const { note } = this.#windows
    return {
      state: isolate.state,
      done: isolate.done,
      total: isolate.total,
      window: inPlace?.model.window ?? this.#windows.options,
      model: config.model,
      ...(inPlace !== undefined && {
        linearMemoryBytes: inPlace.model.linearMemoryBytes,
        running: inPlace.engine.load.running,
        waiting: inPlace.engine.load.waiting,
      }),
      ...(failure !== undefined && { message: errorEvent(failure).message }),
      ...(note !== undefined && { note }),
      ...(this.sessions !== undefined && { storage: this.sessions.use }),
    }
  }

  /**
   * The platform killed this lane for its memory: the next load has half the window, kept across restarts. Every
   * request that was under way reports the same reset to the object made after it, so only the first one counts.
   */
  async memoryReset(): Promise<void> {
    if (this.#resetKnown) return
    this.#resetKnown = true
    // Half of full attention is half the trained context, which a new object has not read yet.
    const text = await this.#parts.isolate.readText(this.#loader)
    this.#halveWindows('the isolate exceeded its memory limit and was reset', text)
  }

  async *#answer(
    request: GenerateRequest,
    lane: string,
    driver: ReaderDriver,
  ): AsyncGenerator<GenerationEvent> {
    const { config } = this.#parts
    if (this.#open >= config.queue) {
      const movable = this.sessions?.knows(request) !== true
      yield {
        ...errorEvent(
          new IsletError(
            'overloaded',
            `this lane works on ${this.#open} requests, which is its limit: try again later`,
          ),
        ),
        ...(movable && { movable }),
      }
      return
    }
    this.#open += 1
    try {
      const host = this.#host()
      const { text, prompt, echo } = await prepare(request, host)
      this.#identify(text)
      const record = this.sessions?.begin(request, prompt, echo, lane) ?? unstored(request, prompt, echo)
      yield* this.#drive(record, text, host, driver)
    } finally {
      this.#open -= 1
    }
  }

  async *#readOn(find: () => TurnRecord, driver: ReaderDriver): AsyncGenerator<GenerationEvent> {
    find() // nothing is loaded for an id of nothing
    const text = await this.#text()
    const record = find()
    this.#stored.checkModel(record)
    if (record.state === 'cancelled')
      throw new IsletError('conflict', 'this answer was cancelled and cannot be gone on with')
    yield* this.#drive(record, text, this.#host(record.end === undefined || lacksLogprobs(record)), driver)
  }

  async *#drive(
    record: TurnRecord,
    text: ModelText,
    host: TurnHost,
    driver: ReaderDriver,
  ): AsyncGenerator<GenerationEvent> {
    if (record.end !== undefined && lacksLogprobs(record)) {
      // Told again by a copy that runs from the first row on; what is kept of it stays as it is.
      yield* follow({ ...record, generated: [], end: undefined }, text, host, driver.signal)
      return
    }
    await this.sessions?.enter(record, driver)
    this.#keep()
    if (record.request.background) this.alarm.wake(this.#parts.clock.now() + HEARTBEAT_MS)
    try {
      if (!driver.signal.aborted) yield* follow(record, text, host, driver.signal)
    } catch (error) {
      record.end = errorEvent(error)
      throw error
    } finally {
      this.sessions?.leave(record, driver)
      if (this.sessions !== undefined && record.session !== '') this.#wakeFor(record)
    }
  }

  #driver(
    requestId: string,
    events: (driver: ReaderDriver) => AsyncGenerator<GenerationEvent>,
  ): ReaderDriver {
    return new ReaderDriver((driver) => guarded(events(driver), requestId, this.#parts.log))
  }

  /** Where turns run. `load`: begin to load the weights if they are not there. */
  #host(load = true): TurnHost {
    const { isolate, config } = this.#parts
    const { sessions } = this
    return new TurnHost(
      {
        isolate,
        loader: this.#loader,
        limits: ({ manifest }) =>
          this.#windows.optionsFor(manifest.spec).window === undefined
            ? { maxPrompt: manifest.spec.context, maxPositions: manifest.spec.context }
            : { maxPrompt: config.maxPrompt, maxPositions: Infinity },
        ...(sessions !== undefined && {
          ledger: {
            settle: (record, text) => {
              this.#identify(text)
              sessions.settle(record)
            },
            vault: sessions.pages,
          },
        }),
      },
      load,
    )
  }

  get #stored(): Sessions {
    if (this.sessions === undefined) throw new IsletError('not_found', 'this lane keeps no sessions')
    return this.sessions
  }

  async #text(): Promise<ModelText> {
    const text = await this.#parts.isolate.readText(this.#loader)
    this.#identify(text)
    return text
  }

  /**
   * What pages and answers depend on: all of it in their names, so that nothing of another model is ever taken for this one's. The window
   * is that of the model in place, which another lane may have loaded.
   */
  #identify({ manifest }: ModelText): void {
    const { hash, spec, chat } = manifest
    const window = this.#parts.isolate.inPlace?.model.window ?? this.#windows.optionsFor(spec)
    this.sessions?.identify([hash, spec, chat, window], spec, window)
  }

  /** Writes what is due, beside the answers, until nothing will be. */
  #keep(): void {
    if (this.#keeping || this.sessions === undefined) return
    this.#keeping = true
    const { clock, log } = this.#parts
    const { sessions } = this
    const keep = async (): Promise<void> => {
      do await clock.wait(TICK_MS)
      while (sessions.tick())
    }
    keep()
      .catch((error: unknown) => log({ code: 'internal_error', message: String(error) }))
      .finally(() => (this.#keeping = false))
  }

  /** Nobody reads a turn any more: it goes on by the alarm, or has some time to live. */
  #wakeFor(record: TurnRecord): void {
    const { clock, config } = this.#parts
    const goesOn = record.request.background && record.state === 'running'
    if (goesOn) this.alarm.wake(clock.now())
    else
      this.alarm.wake(
        Math.min(record.expiresAt, clock.now() + Math.max(LEAST_WAIT_MS, config.lifetimes.pages)),
      )
  }

  /** A cold lane's load and its first request want the words at the same time: they are read once. */
  #readText(): Promise<ModelText> {
    this.#reading ??= this.#parts.readText().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  /** Loads with the largest window that the memory takes: halved until it fits, and kept so. */
  async #readModel(text: ModelText, onProgress: (done: number, total: number) => void): Promise<LoadedModel> {
    const { spec } = text.manifest
    for (;;) {
      const windows = this.#windows.list.join()
      try {
        return await this.#parts.readModel(text, this.#windows.optionsFor(spec), onProgress)
      } catch (error) {
        // A setting of the deployment that this model cannot have is no client's mistake.
        if (errorCode(error) === 'invalid_request') {
          const why = error instanceof Error ? error.message : String(error)
          throw new IsletError('engine_failure', `WINDOW = "${windows}": ${why}`, { cause: error })
        }
        if (errorCode(error) !== 'out_of_memory' || !takesWindow(spec)) throw error
        this.#halveWindows(error instanceof Error ? error.message : 'the host refused the memory', text)
        if (this.#windows.list.join() === windows) throw error
      }
    }
  }

  /** Without the prefix its positions are computed: that costs time and is no failure. */
  async #readPrefix(text: ModelText, model: LoadedModel): Promise<Seed | undefined> {
    try {
      return await this.#parts.readPrefix?.(text, model)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#parts.log({ code: errorCode(error), message: `the prefix is computed instead: ${message}` })
      return undefined
    }
  }

  #halveWindows(why: string, { manifest }: ModelText): void {
    this.#parts.log({ code: 'out_of_memory', message: this.#windows.halve(why, manifest.spec) })
  }
}
