// The worker with lanes that can be told to die, and a model source that can be told to stall: for what the platform does now and then.

import plain from '../../build/islet.plain.wasm'
import quads from '../../build/islet.quads.wasm'
import relaxed from '../../build/islet.relaxed.wasm'
import { readConfig, type Env } from '../../src/env.ts'
import type { Assets } from '../../src/lane/asset-source.ts'
import { Isolate } from '../../src/lane/isolate.ts'
import { LaneBase } from '../../src/lane/object.ts'
import worker from '../../src/worker.ts'

/** What a lane says of itself and of the isolate that it lives in. */
export type LaneFacts = {
  /** Pages in the lane's storage, by name. */
  names: string[]
  /** How often weights were asked for, in this isolate. */
  loads: number
}

const NAME_LENGTH = 32
const PIECE_BYTES = 100_000

const isolate = new Isolate(1000)
let stallNext = false
let loads = 0

export class LaneObject extends LaneBase<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    const { lane: config } = readConfig(env)
    super(ctx, env, { config, assets: stalling(env.ASSETS), modules: { quads, relaxed, plain }, isolate })
  }

  abort(): void {
    this.ctx.abort('a test ends this object')
  }

  facts(): LaneFacts {
    const rows = this.ctx.storage.sql.exec<{ names: string }>('SELECT names FROM kv_runs').toArray()
    const names = rows.flatMap(({ names }) => names.match(new RegExp(`.{${NAME_LENGTH}}`, 'g')) ?? [])
    return { names, loads }
  }
}

/** Assets whose weights, when that is asked for, begin to come and never end. */
function stalling(assets: Assets): Assets {
  return {
    async fetch(url) {
      const response = await assets.fetch(url)
      if (!url.pathname.includes('weights')) return response
      loads += 1
      if (!stallNext) return response
      stallNext = false
      const bytes = new Uint8Array(await response.arrayBuffer())
      let sent = false
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          while (sent) await scheduler.wait(20)
          sent = true
          controller.enqueue(bytes.subarray(0, PIECE_BYTES))
        },
      })
      return new Response(body)
    },
  }
}

type TestStub = { abort(): Promise<void>; facts(): Promise<LaneFacts> }

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const lane = env.LANE.getByName(`lane-${searchParams.get('lane')}`) as unknown as TestStub
    switch (pathname) {
      case '/test/stall':
        stallNext = true
        return new Response()
      case '/test/abort':
        await lane.abort().catch(() => undefined)
        return new Response()
      case '/test/facts':
        return Response.json(await lane.facts())
      default:
        return worker.fetch(request, env, ctx)
    }
  },
}
