// The entrypoint is the class that another Worker binds as a service: each method is one of RPC.

import { WorkerEntrypoint } from 'cloudflare:workers'
import type { HonoBase } from 'hono/hono-base'
import type { ApiEnv } from '../api/context.ts'
import { ABSENT, Binding } from './binding.ts'
import type { Props } from './types.ts'

const METHODS = ['run', 'chat', 'stream', 'extract', 'decide', 'sessions', 'session', 'fork', 'remove', 'models'] as const // prettier-ignore

/** RPC calls what stands on a prototype. */
type Methods = Pick<Binding, (typeof METHODS)[number]> &
  Record<Absent, () => never> & { readonly aiGatewayLogId: null }
type Absent = (typeof ABSENT)[number]

type EntrypointClass = new <Env>(
  ctx: ExecutionContext<Props>,
  env: Env,
  app: HonoBase<ApiEnv>,
) => BindingEntrypoint<Env>

class Entrypoint<Env> extends WorkerEntrypoint<Env, Props> {
  readonly #binding: Binding

  constructor(ctx: ExecutionContext<Props>, env: Env, app: HonoBase<ApiEnv>) {
    super(ctx, env)
    this.#binding = new Binding(app, ctx.props)
  }

  get aiGatewayLogId(): null {
    return null
  }

  static {
    for (const name of [...METHODS, ...ABSENT]) {
      const value = function (this: Entrypoint<unknown>, ...given: unknown[]): unknown {
        const binding = this.#binding as unknown as Record<string, (...given: unknown[]) => unknown>
        return name in binding ? binding[name](...given) : this.#binding.absent(name as Absent)
      }
      Object.defineProperty(this.prototype, name, { value })
    }
  }
}

/** The class with a method for each of the binding's. */
export const BindingEntrypoint = Entrypoint as unknown as EntrypointClass
export type BindingEntrypoint<Env> = WorkerEntrypoint<Env, Props> & Methods
