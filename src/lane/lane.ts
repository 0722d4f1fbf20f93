// A lane answers requests with the isolate's engine and keeps their sessions.
// It knows no Cloudflare module; object.ts makes a Durable Object of it.

import type { ModelText } from '../answer/model-text.ts'
import { IsletError } from '../lib/errors.ts'
import { answersTo, type GenerateRequest, type GenerationEvent } from '../protocol/generation.ts'
import type { EmbedRequest, ScoreRequest } from '../protocol/scores.ts'
import type { TokenRequest } from '../protocol/tokens.ts'
import type { LaneHealth, TurnView } from '../protocol/lane-reports.ts'
import type { SessionMemory } from '../protocol/memory.ts'
import { errorEvent } from '../protocol/wire.ts'
import {
  answered,
  choicesOf,
  generatedTokens,
  isOver,
  isStored,
  isToldByCopy,
  needsEngine,
  unanswered,
} from '../storage/turn-record.ts'
import type { TurnRecord } from '../storage/turn-record.ts'
import { sqlWindowStore } from '../storage/window-store.ts'
import { weightBytes } from '../weights/stream.ts'
import { Alarm } from './alarm.ts'
import { Background } from './background.ts'
import { guarded } from './fail-event.ts'
import { follow, prepare } from './follow-turn.ts'
import { HandOuts } from './hand-outs.ts'
import { healthOf } from './lane-health.ts'
import { LaneMeter } from './lane-meter.ts'
import type { LaneParts } from './lane-settings.ts'
import { OwnedSessions } from './owned-sessions.ts'
import { Places } from './places.ts'
import { ReaderDriver } from './reader-driver.ts'
import { Scoring } from './scoring.ts'
import { sessionMemory } from './session-memory.ts'
import { Sessions } from './sessions.ts'
import { TurnHost } from './turn-host.ts'
import { turnView } from './turn-view.ts'
import { WindowedLoader } from './windowed-loader.ts'

export type { LaneConfig, LaneParts, LaneStorage } from './lane-settings.ts'

type Events = AsyncGenerator<GenerationEvent>

export class Lane {
  readonly sessions: Sessions
  readonly owned: OwnedSessions
  readonly alarm: Alarm
  readonly #parts: LaneParts
  readonly #loader: WindowedLoader
  readonly #background: Background
  #resetKnown = false
  readonly #places: Places
  readonly #handOuts: HandOuts
  readonly #scoring: Scoring
  readonly meter: LaneMeter

  constructor(parts: LaneParts) {
    this.#parts = parts
    const { storage, isolate, clock, config, log } = parts
    this.#places = new Places(config.queue)
    this.#handOuts = new HandOuts(clock)
    this.#loader = new WindowedLoader({
      settings: config,
      clock,
      store: sqlWindowStore(storage.sql),
      readText: () => parts.readText(),
      readModel: (...asked) => parts.readModel(...asked),
      readPrefix: (text, model) => parts.readPrefix(text, model),
      log,
    })
    const sessionsParts = {
      id: storage.id,
      sql: storage.sql,
      newId: storage.newId,
      now: clock.now,
      lifetimes: config.lifetimes,
      budget: config.budget,
      rest: () => clock.wait(0),
      engine: () => isolate.engine,
      log,
    }
    this.sessions = new Sessions(sessionsParts)
    this.owned = new OwnedSessions(this.sessions, sessionsParts)
    this.meter = new LaneMeter(isolate, this.sessions)
    this.alarm = new Alarm((time) => {
      storage.wakeAt(time)
      this.sessions.use.alarms += 1
    })
    this.#background = new Background({
      sessions: this.sessions,
      alarm: this.alarm,
      clock,
      lifetimes: config.lifetimes,
      run: (record) => {
        const turn = this.#driver(record.request.requestId, (driver) => this.#resume(() => record, driver))
        return turn.run(() => clock.wait(0))
      },
      log,
    })
    this.#scoring = new Scoring({ isolate, clock, places: this.#places, host: (load) => this.#host(load) })
    this.sessions.pages.onDropped = (runs) => isolate.engine?.model.staging.drop?.(runs)
    isolate.inherit(this.sessions.pages, parts.isChain)
  }

  /**
   * Events of one request as lines of JSON, made as they are read. A cancel pauses what is stored and ends
   * what is not.
   */
  generate(request: GenerateRequest, lane = '0'): ReadableStream<Uint8Array> {
    const driver = this.#driver(request.requestId, (own) => this.#answer(request, lane, own))
    return driver.stream(() => request.unseen === true && this.#isAlone)
  }

  /** Events of one score or embed request, made as they are read. A cancel ends it. */
  score(request: ScoreRequest | EmbedRequest): ReadableStream<Uint8Array> {
    return this.#driver(request.requestId, (driver) => this.#scoring.events(request, driver)).stream()
  }

  /** What a token request is told, without weights. A cancel ends it. */
  tokens(request: TokenRequest): ReadableStream<Uint8Array> {
    return this.#driver(request.requestId, (driver) => this.#scoring.tokens(request, driver)).stream()
  }

  /** The events of a turn that began before, from its first on. */
  resume(tenant: string, id: string): ReadableStream<Uint8Array> {
    return this.#driver(id, (driver) =>
      this.#readOn(() => answered(this.sessions.find(tenant, id)), driver),
    ).stream()
  }

  /** The sessions for their owners, once it is known which model's they are. */
  async ready(): Promise<OwnedSessions> {
    await this.#text()
    return this.owned
  }

  /** Where a session's pages lie; begins no load. Throws not_found. */
  async memory(tenant: string, id: string): Promise<SessionMemory> {
    this.sessions.find(tenant, id) // nothing is read for an id of nothing
    const { manifest } = await this.#text()
    const record = this.sessions.find(tenant, id)
    const { isolate } = this.#parts
    const facts = { spec: manifest.spec, window: this.sessions.window, weights: weightBytes(manifest) }
    const inPlace = isolate.state === 'ready' ? isolate.inPlace : undefined
    return sessionMemory(record, this.sessions.held(record).pages, facts, inPlace)
  }

  /** A kept turn with what it has answered until now. Throws not_found. */
  async turn(tenant: string, id: string): Promise<TurnView> {
    return turnView(this.sessions.find(tenant, id), await this.#text())
  }

  /** Ends a kept turn that runs or waits. Throws not_found. */
  async cancelTurn(tenant: string, id: string): Promise<TurnView> {
    this.sessions.find(tenant, id)
    return turnView(await (await this.ready()).cancel(tenant, id), await this.#text())
  }

  /** The alarm rang: does what was put off, turns that go on unread and deletions. */
  async awake(): Promise<void> {
    this.alarm.forget()
    await this.#text()
    await this.#background.awake()
  }

  /** What the lane can do now; begins the load when it is cold. */
  health(): LaneHealth {
    void this.#parts.isolate.begin(this.#loader)
    return healthOf(this.#parts, this.#loader, this.sessions.use)
  }

  /**
   * The platform killed this lane for its memory: the next load has half the window, kept across restarts.
   * Every request that was under way reports the same reset to the object made after it, so only the first
   * one counts.
   */
  async memoryReset(): Promise<void> {
    if (this.#resetKnown) return
    this.#resetKnown = true
    // Half of full attention is half the trained context, which a new object has not read yet.
    const text = await this.#parts.isolate.readText(this.#loader)
    this.#loader.halve('the isolate exceeded its memory limit and was reset', text)
  }

  /** Whether nobody but one request wants the thread. */
  get #isAlone(): boolean {
    const { first, inPlace } = this.#parts.isolate
    if (first.isAnybodyNew || inPlace === undefined) return false
    const { running, waiting } = inPlace.engine.load
    return running + waiting <= 1
  }

  async *#answer(request: GenerateRequest, lane: string, driver: ReaderDriver): Events {
    const place = { tenant: request.tenant, driver, answers: answersTo(request) }
    if (!(await this.#places.take(place))) {
      const movable = !this.sessions.knows(request)
      yield { ...this.#places.refusal(request.tenant), ...(movable && { movable }) }
      return
    }
    const { isolate, clock } = this.#parts
    isolate.first.begin(driver.signal, request.tenant, clock.now())
    try {
      const host = this.#host()
      const prepared = await prepare(request, host, driver.signal)
      if (prepared === undefined) return
      this.#useModel(prepared.text)
      // Nobody leaves the thread to one that waits.
      await this.sessions.drivers.untilTryEnds(request, driver.signal, clock, isolate.first)
      const record = await this.sessions.begin(request, prepared, lane)
      yield* this.#drive(record, prepared.text, host, driver)
    } finally {
      this.#places.leave(place)
      isolate.first.end(driver.signal)
    }
  }

  /** As #resume, for a reader: in a place of its own, or in that of the reader whom it takes over from. */
  async *#readOn(find: () => TurnRecord, driver: ReaderDriver): AsyncGenerator<GenerationEvent> {
    const record = find() // nothing is loaded for an id of nothing
    const place = { tenant: record.request.tenant, driver, answers: choicesOf(record).length }
    const before = isToldByCopy(record) ? undefined : this.sessions.drivers.of(record.session)?.driver
    if (!(await this.#places.take(place, before))) {
      yield this.#places.refusal(place.tenant)
      return
    }
    try {
      yield* this.#resume(find, driver)
    } finally {
      this.#places.leave(place)
    }
  }

  async *#resume(find: () => TurnRecord, driver: ReaderDriver): AsyncGenerator<GenerationEvent> {
    const text = await this.#text()
    const record = find()
    this.sessions.checkModel(record)
    if (record.state === 'cancelled')
      throw new IsletError('conflict', 'this answer was cancelled and cannot be gone on with')
    yield* this.#drive(record, text, this.#host(needsEngine(record)), driver)
  }

  async *#drive(record: TurnRecord, text: ModelText, host: TurnHost, driver: ReaderDriver): Events {
    const had = generatedTokens(record)
    if (record.cachedTokens !== undefined) driver.meter.told(had, isOver(record) ? 'repeated' : 'goes on')
    if (isToldByCopy(record)) {
      // Log probabilities are not stored: a copy of the turn computes the answer again, and the stored record
      // stays as it is.
      yield* follow(unanswered(record), text, host, driver.signal)
      return
    }
    await this.sessions.enter(record, driver)
    this.#background.begun(record)
    try {
      if (!driver.signal.aborted) yield* follow(record, text, host, driver.signal, driver.isUnread)
    } catch (error) {
      record.end = errorEvent(error)
      throw error
    } finally {
      driver.meter.wrote(generatedTokens(record) - had)
      this.sessions.leave(record, driver)
      if (isStored(record)) this.#background.left(record)
    }
  }

  #driver(
    requestId: string,
    events: (driver: ReaderDriver) => AsyncGenerator<GenerationEvent>,
  ): ReaderDriver {
    const { log, clock } = this.#parts
    return new ReaderDriver(
      (driver) => guarded(events(driver), requestId, log),
      () => clock.now(),
      (tally) => this.meter.add(tally),
    )
  }

  /** Where turns run. `load`: begin to load the weights if they are not there. */
  #host(load = true): TurnHost {
    const ledger = {
      settle: (record: TurnRecord, text: ModelText): void => {
        this.#useModel(text)
        this.sessions.settle(record)
      },
      vault: this.sessions.pages,
      handOuts: this.#handOuts,
    }
    const limits = (text: ModelText) => this.#loader.limits(text)
    return new TurnHost({ isolate: this.#parts.isolate, loader: this.#loader, limits, ledger }, load)
  }

  async #text(): Promise<ModelText> {
    const text = await this.#parts.isolate.readText(this.#loader)
    this.#useModel(text)
    return text
  }

  /**
   * What pages and answers depend on: all of it in their names, so that nothing of another model is ever
   * taken for this one's. The window is that of the model in place, or coming, which another lane may have loaded.
   */
  #useModel({ manifest }: ModelText): void {
    const { hash, spec, chat, stage } = manifest
    const { inPlace, arrival } = this.#parts.isolate
    const window = (inPlace ?? arrival)?.model.window ?? this.#loader.windowOf(spec)
    this.sessions.useModel([hash, spec, chat, window, ...(stage?.shares ?? [])], spec, window)
  }
}
