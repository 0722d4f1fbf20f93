// Benchmark only: the engine of the worker in a Durable Object, with room for several long sequences at once, driven over
// HTTP: POST /load, /open and /decode, each answered when it is done; the client takes the times.

import { DurableObject } from 'cloudflare:workers'
import plain from '../../build/islet.plain.wasm'
import quads from '../../build/islet.quads.wasm'
import relaxed from '../../build/islet.relaxed.wasm'
import { assetSource, type Assets } from '../../src/lane/asset-source.ts'
import { Driver, type TimedTurn } from '../hosts/engine.ts'
import { loadFor, modulesFor, type LoadJob } from '../hosts/load.ts'

type Env = { ASSETS: Assets; ENGINE: DurableObjectNamespace<EngineObject> }

/** /load: the model and how many sequences; /open: a prompt, prefilled; /decode: more tokens of a turn. */
export type EngineCall =
  | { call: 'load'; model: string; job: LoadJob }
  | { call: 'open'; name: string; ids: number[] }
  | { call: 'decode'; name: string; tokens: number }

const ENDLESS = 1e9

let driver: Driver | undefined
const turns = new Map<string, TimedTurn>()

export class EngineObject extends DurableObject<Env> {
  override async fetch(request: Request): Promise<Response> {
    const call = await request.json<EngineCall>()
    if (call.call === 'load') {
      const kernels = modulesFor({ quads, relaxed, plain })
      const model = await loadFor(call.job, assetSource(this.env.ASSETS, call.model), kernels)
      driver = new Driver(model, () => 0)
      return Response.json({ linear_memory_bytes: model.linearMemoryBytes })
    }
    if (driver === undefined) return new Response('POST load first', { status: 409 })
    if (call.call === 'open') {
      const turn = driver.open(call.ids, ENDLESS)
      turns.set(call.name, turn)
      driver.run(turn, 1)
      return Response.json({ positions: turn.ids.length })
    }
    const turn = turns.get(call.name)
    if (turn === undefined) return new Response(`no turn ${call.name}`, { status: 404 })
    driver.run(turn, call.tokens)
    return Response.json({ positions: turn.ids.length })
  }
}

export default {
  async fetch(request, env) {
    if (request.method !== 'POST') return new Response('ready')
    return await env.ENGINE.get(env.ENGINE.idFromName('one')).fetch(request)
  },
} satisfies ExportedHandler<Env>
