// The lane stub is a lane as the router calls it, with nothing of Cloudflare between: errors come as values.

import type { Lane } from '../../src/lane/lane.ts'
import type { LaneStub, Outcome } from '../../src/protocol/calls.ts'
import { laneOfSession } from '../../src/protocol/ids.ts'
import { errorEvent } from '../../src/protocol/wire.ts'

async function outcome<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error: errorEvent(error) }
  }
}

/** `lane` is asked for at each call, so that a test may put another object in its place. */
export function laneStub(lane: () => Lane): LaneStub {
  return {
    generate: async (request, name) => lane().generate(request, name),
    resume: async (tenant, id) => lane().resume(tenant, id),
    score: async (request) => lane().score(request),
    tokens: async (request) => lane().tokens(request),
    sessions: async (tenant, page) => (await lane().ready()).listed(tenant, page),
    session: (tenant, id) =>
      outcome(async () => (await lane().ready()).view(lane().sessions.find(tenant, id))),
    memory: (tenant, id) => outcome(() => lane().memory(tenant, id)),
    fork: (tenant, id) => outcome(async () => (await lane().ready()).fork(tenant, id, laneOfSession(id))),
    remove: (tenant, id) =>
      outcome(() =>
        lane()
          .owned.remove(tenant, id)
          .then(() => null),
      ),
    removeAll: (tenant) => lane().owned.removeAll(tenant),
    turn: (tenant, id) => outcome(() => lane().turn(tenant, id)),
    keepConversation: (entry, name) =>
      outcome(async () => (await lane().ready()).keepConversation(entry, name)),
    removeTurn: (tenant, id) =>
      outcome(() =>
        lane()
          .owned.removeTurn(tenant, id)
          .then(() => null),
      ),
    cancelTurn: (tenant, id) => outcome(() => lane().cancelTurn(tenant, id)),
    health: async () => lane().health(),
    metrics: async () => lane().meter.metrics(),
    memoryReset: () => lane().memoryReset(),
  }
}
