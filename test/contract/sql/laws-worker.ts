// This worker runs each law in a Durable Object of its own, on that object's SQLite.

import { DurableObject } from 'cloudflare:workers'
import type { Sql } from '../../../src/storage/sql.ts'
import { COUNTED, LAWS } from './laws.ts'

export class LawObject extends DurableObject {
  /** What breaks the law; '' where it holds. */
  broken(name: string): string {
    try {
      ;({ ...LAWS, ...COUNTED })[name](this.ctx.storage.sql as Sql)
      return ''
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  }
}

type Env = { LAWS: DurableObjectNamespace }

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const name = new URL(request.url).searchParams.get('law') ?? ''
    const object = env.LAWS.getByName(name) as unknown as { broken(name: string): Promise<string> }
    return new Response(await object.broken(name))
  },
}
