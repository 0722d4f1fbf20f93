// The router's side of the lanes: each call goes to the object that its session, its key or its id names.

import type { EmbedRequest, ScoreRequest } from '../protocol/scores.ts'
import type { TokenRequest } from '../protocol/tokens.ts'
import type { GenerateRequest } from '../protocol/generation.ts'
import { errorCode, IsletError } from '../lib/errors.ts'
import type { Lanes } from '../protocol/lanes.ts'
import type { ModelLimits, Recommended, SessionPage, SessionView } from '../protocol/lane-reports.ts'
import { isOverload, LaneEvents, type Call, type LaneAccess } from './lane-events.ts'
import { everyLane, healthLane, lanesFor, withSession, type Layout } from './lane-names.ts'
import type { LaneStub, Outcome } from '../protocol/calls.ts'
import {
  isConversationId,
  laneOfConversation,
  laneOfId,
  laneOfSession,
  laneOfTurn,
  regionOf,
  untagged,
  type Region,
} from '../protocol/ids.ts'

export type LaneOptions = Layout & {
  /** The region that the requests come in nearest to. */
  region: Region | undefined
  model: string
  /** What the model recommends for sampling; undefined for nothing, or where that is switched off. */
  recommended?(): Promise<Recommended | undefined>
  /** Whether the model declares a pooling. */
  embeds?(): Promise<boolean>
  /** What a prompt and an answer may come to; undefined where there is no manifest. */
  limits?(): Promise<ModelLimits | undefined>
  /** Other names that mean the model. */
  aliases?: readonly string[]
  log(entry: Record<string, unknown>): void
}

/** Lanes of one model. */
export type ModelLanes = Lanes & {
  /** Sessions behind one that another model may have. */
  sessionPage(tenant: string, page: SessionPage): Promise<SessionView[]>
}

/**
 * Objects that are asked at the same time when all are: the platform lets a request wait for six connections.
 */
const AT_ONCE = 6

/**
 * Lanes behind `stubOf`, which gives a fresh stub for an object's name; `region` is where it shall be made.
 */
export function createLanes(
  stubOf: (name: string, region: Region | undefined) => LaneStub,
  options: LaneOptions,
): ModelLanes {
  const { region, model, aliases = [], tag, log } = options
  // An object of one session has no region in its name: it is made near to whom it first serves.
  const stub = (lane: string): LaneStub => stubOf(`lane-${untagged(lane)}`, regionOf(lane) ?? region)
  const access: LaneAccess = { stubOf: stub, log }

  async function ask<T>(lane: string, call: (stub: LaneStub) => Promise<T>): Promise<T> {
    try {
      return await call(stub(lane))
    } catch (error) {
      log({ lane: `lane-${lane}`, code: 'lane_lost', message: String(error) })
      throw isOverload(error)
        ? new IsletError('overloaded', 'this lane takes no more requests now: try again later', {
            cause: error,
          })
        : new IsletError('lane_lost', 'the lane was lost: send this again', { cause: error })
    }
  }

  async function valueOf<T>(lane: string, call: (stub: LaneStub) => Promise<Outcome<T>>): Promise<T> {
    const outcome = await ask(lane, call)
    if ('value' in outcome) return outcome.value
    const { error } = outcome
    throw new IsletError(errorCode(error), error.message, { param: error.param })
  }

  async function askAll<T>(call: (stub: LaneStub) => Promise<T>): Promise<T[]> {
    return forAll(everyLane(options), (lane) => ask(lane, call))
  }

  return {
    async models() {
      // A packed model does not say when it was made.
      const sampling = await options.recommended?.()
      const limits = await options.limits?.()
      const more = {
        ...(sampling && { sampling }),
        ...(limits && { limits }),
        ...((await options.embeds?.()) && { embeds: true as const }),
        ...(tag !== undefined && { tag }),
      }
      return [{ id: model, created: 0, ownedBy: 'islet', aliases, ...more }]
    },
    generate: (request) => eventsOf(() => generateCall(withSession(request), options), access),
    resume: (tenant, id) => eventsOf(() => resumeCall(tenant, id), access),
    score: (request) => eventsOf(() => scoreCall(withSession(request), options), access),
    tokens: (request) => eventsOf(() => tokenCall(withSession(request), options), access),
    async sessions(tenant, behind) {
      return this.sessionPage(tenant, await pageBehind(this, tenant, behind))
    },
    async sessionPage(tenant, page) {
      const lists = await askAll<SessionView[]>((lane) => lane.sessions(tenant, page))
      return lastUsed(lists, page.limit)
    },
    async removeAll(tenant) {
      const counts = await askAll((lane) => lane.removeAll(tenant))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    session: async (tenant, id) => valueOf(laneOfSession(id), (lane) => lane.session(tenant, id)),
    memory: async (tenant, id) => valueOf(laneOfSession(id), (lane) => lane.memory(tenant, id)),
    fork: async (tenant, id) => valueOf(laneOfSession(id), (lane) => lane.fork(tenant, id)),
    async remove(tenant, id) {
      await valueOf(laneOfSession(id), (lane) => lane.remove(tenant, id))
    },
    turn: async (tenant, id) => valueOf(laneOfKept(id), (lane) => lane.turn(tenant, id)),
    async keepConversation(entry) {
      const [lane] = lanesFor(entry, options, region)
      return valueOf(lane, (stub) => stub.keepConversation(entry, lane))
    },
    async removeTurn(tenant, id) {
      await valueOf(laneOfTurn(id), (lane) => lane.removeTurn(tenant, id))
    },
    cancelTurn: async (tenant, id) => valueOf(laneOfTurn(id), (lane) => lane.cancelTurn(tenant, id)),
    health: () => stub(healthLane(options, region)).health(),
    async metrics() {
      if (options.lanes === 'session') return undefined
      return forAll(everyLane(options), async (lane) => {
        const metrics = await ask(lane, (stub) => stub.metrics()).catch(() => undefined)
        return { lane, ...(metrics !== undefined && { metrics }) }
      })
    },
  }
}

/** The page of at most `limit` sessions behind the one whose id is `after`, in the order of `lastUsed`. */
export async function pageBehind(
  lanes: Pick<Lanes, 'session'>,
  tenant: string,
  { limit, after }: Parameters<Lanes['sessions']>[1],
): Promise<SessionPage> {
  if (after === undefined) return { limit }
  const { id, usedAt } = await lanes.session(tenant, after)
  return { limit, after: { id, usedAt } }
}

/** The first `limit` sessions of several lists, those used last first. */
export function lastUsed(lists: readonly SessionView[][], limit: number): SessionView[] {
  const byUse = (a: SessionView, b: SessionView): number => b.usedAt - a.usedAt || (a.id < b.id ? -1 : 1)
  return lists.flat().sort(byUse).slice(0, limit)
}

/** The lane of a kept turn, or of a conversation whose last one is meant. */
function laneOfKept(id: string): string {
  return isConversationId(id) ? laneOfConversation(id) : laneOfTurn(id)
}

/** What is wrong with the call is thrown when its events are asked for. */
function eventsOf(call: () => Call, access: LaneAccess): ReturnType<Lanes['generate']> {
  return { [Symbol.asyncIterator]: () => new LaneEvents(call(), access) }
}

function generateCall(request: GenerateRequest, options: LaneOptions): Call {
  return {
    tenant: request.tenant,
    requestId: request.requestId,
    lanes: lanesFor(request, options, options.region),
    stored: request.store,
    open(stub, lane, retry) {
      return stub.generate(retry && request.store ? { ...request, retry } : request, lane)
    },
    resume: (stub, session) => stub.resume(request.tenant, session),
  }
}

/** A lane that was lost in it computed nothing that is kept: it is asked again. */
function scoreCall(request: ScoreRequest | EmbedRequest, options: LaneOptions): Call {
  const open = (stub: LaneStub): ReturnType<LaneStub['score']> => stub.score(request)
  const { tenant, requestId } = request
  return {
    tenant,
    requestId,
    lanes: lanesFor(request, options, options.region),
    stored: true,
    open,
    resume: open,
  }
}

/** Asked again where the lane was lost before anything came; what came in pieces is not put together of two lanes. */
function tokenCall(request: TokenRequest, options: LaneOptions): Call {
  const open = (stub: LaneStub): ReturnType<LaneStub['tokens']> => stub.tokens(request)
  const { tenant, requestId } = request
  const lanes = lanesFor(request, options, options.region)
  return { tenant, requestId, lanes, stored: false, open, resume: open }
}

function resumeCall(tenant: string, id: string): Call {
  const open = (stub: LaneStub): ReturnType<LaneStub['resume']> => stub.resume(tenant, id)
  return { tenant, lanes: [laneOfId(id)], stored: true, open, resume: open }
}

/** `act` on every item, a few at a time. All are tried, also when one fails; then its error is thrown. */
async function forAll<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  let next = 0
  async function work(): Promise<void> {
    while (next < items.length) {
      const i = next++
      try {
        results[i] = await act(items[i])
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (failures.length > 0) throw failures[0]
  return results
}
