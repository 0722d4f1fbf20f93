// A router of several models asks the lanes of the model that a request names, or whose tag an id carries.

import { errorCode, IsletError } from '../lib/errors.ts'
import { modelTagOf } from '../protocol/ids.ts'
import type { LaneHealth } from '../protocol/lane-reports.ts'
import type { Lanes } from '../protocol/lanes.ts'
import { lastUsed, pageBehind, type ModelLanes } from './client.ts'
import { digest, withSession, type Placed } from './lane-names.ts'

/** One model, and the lanes of its script. */
export type RoutedModel = { model: string; tag: string; lanes: ModelLanes }
export type RoutedModels = readonly [RoutedModel, ...RoutedModel[]]

/** What ids of a model begin with: it depends on the model's id alone, so that other models may come and go. */
export function tagOf(model: string): string {
  return `m${digest(model).slice(0, 6)}-`
}

/** The models in the variable MODELS, the first one first. Throws an Error for none, or two whose ids begin alike. */
export function modelsOf(list: string): string[] {
  const models = list.split(',').map((name) => name.trim())
  if (models.includes('') || new Set(models.map(tagOf)).size < models.length)
    throw new Error(
      `variable MODELS is ${JSON.stringify(list)}: must be models with commas between, each once`,
    )
  return models
}

/** The aliases of a model: those that say so, as in `gpt-4o-mini=tiny`; the first has those that name no model. */
export function aliasesOf(aliases: readonly string[], model: string, isFirst: boolean): string[] {
  const pairs = aliases.map((entry) => entry.split('='))
  return pairs.flatMap(([alias, of]) => ((of === undefined ? isFirst : of === model) ? alias : []))
}

/** The lanes of all; ids without a tag, which are of a time when one model was served, are the first one's. */
export function manyModels(routed: RoutedModels): Lanes {
  const [first] = routed

  /** Throws `not_found` for an id of a model that is not served. */
  function byId(id: string): RoutedModel {
    const tag = modelTagOf(id) ?? first.tag
    const found = routed.find((one) => one.tag === tag)
    if (found !== undefined) return found
    throw new IsletError('not_found', 'there is nothing of this id: its model is not served here')
  }

  /** Throws `invalid_request` for a session of another model than the request's. */
  function byModel(request: Placed & { model: string }): ModelLanes {
    const { session } = withSession(request)
    const found = routed.find(({ model }) => model === request.model)
    if (found === undefined) throw new IsletError('model_not_found', `${request.model} is not served here`)
    const owner = session === undefined ? found : byId(session)
    if (owner === found) return found.lanes
    throw new IsletError(
      'invalid_request',
      `the session ${session} is one of the model ${owner.model}: ask that one, or leave the model out`,
      { param: 'model' },
    )
  }

  const all = <T>(ask: (lanes: ModelLanes) => Promise<T>): Promise<T[]> =>
    Promise.all(routed.map(({ lanes }) => ask(lanes)))

  return {
    models: async () => (await all((lanes) => lanes.models())).flat(),
    generate: (request) => byModel(request).generate(request),
    score: (request) => byModel(request).score(request),
    tokens: (request) => byModel(request).tokens(request),
    resume: (tenant, id) => byId(id).lanes.resume(tenant, id),
    async sessions(tenant, behind) {
      const page = await pageBehind(this, tenant, behind)
      return lastUsed(await all((lanes) => lanes.sessionPage(tenant, page)), page.limit)
    },
    async removeAll(tenant) {
      const counts = await all((lanes) => lanes.removeAll(tenant))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    session: async (tenant, id) => byId(id).lanes.session(tenant, id),
    memory: async (tenant, id) => byId(id).lanes.memory(tenant, id),
    fork: async (tenant, id) => byId(id).lanes.fork(tenant, id),
    remove: async (tenant, id) => byId(id).lanes.remove(tenant, id),
    turn: async (tenant, id) => byId(id).lanes.turn(tenant, id),
    removeTurn: async (tenant, id) => byId(id).lanes.removeTurn(tenant, id),
    cancelTurn: async (tenant, id) => byId(id).lanes.cancelTurn(tenant, id),
    keepConversation: async (entry) => byModel(entry).keepConversation(entry),
    async health() {
      const models = await Promise.all(routed.map(healthOf))
      const worst = STATES.map((state) => models.find((one) => one.state === state)).find(Boolean)
      const sum = (field: 'done' | 'total'): number => models.reduce((n, one) => n + one[field], 0)
      return { ...(worst ?? models[0]), done: sum('done'), total: sum('total'), models }
    },
    async metrics() {
      const lists = await Promise.all(
        routed.map(async ({ model, lanes }) =>
          (await lanes.metrics())?.map((source) => ({ ...source, model })),
        ),
      )
      // Where one's lanes cannot be counted nobody's can.
      return lists.includes(undefined) ? undefined : lists.flatMap((list) => list ?? [])
    },
  }
}

/** From the furthest from ready on. */
const STATES = ['failed', 'cold', 'loading', 'ready'] as const

/** A script that does not answer is a model that failed: the others are told of all the same. */
async function healthOf({ model, lanes }: RoutedModel): Promise<LaneHealth> {
  try {
    return await lanes.health()
  } catch (error) {
    const message = `its script does not answer (${errorCode(error)})`
    return { state: 'failed', done: 0, total: 0, window: { sinks: 0 }, model, message }
  }
}
