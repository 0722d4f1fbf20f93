// The entrypoint is the class that another Worker binds as a service: each method is one of RPC.

import { WorkerEntrypoint } from 'cloudflare:workers'
import type { HonoBase } from 'hono/hono-base'
import type { ApiEnv } from '../api/context.ts'
import { ABSENT, Binding } from './binding.ts'
import type { Props } from './types.ts'

const METHODS = ['run', 'chat', 'stream', 'extract', 'decide', 'sessions', 'session', 'fork', 'remove', 'models'] as const // prettier-ignore

/** RPC calls what stands on a prototype. */
type Methods = Pick<Binding, (typeof METHODS)[number]> &
  Record<(typeof ABSENT)[number], () => never> & { readonly aiGatewayLogId: null }

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
    const define = (name: string, call: (binding: Binding, given: never[]) => unknown): void => {
      const value = function (this: Entrypoint<unknown>, ...given: never[]): unknown {
        return call(this.#binding, given)
      }
      Object.defineProperty(this.prototype, name, { value })
    }
    for (const name of METHODS)
      define(name, (binding, given) => (binding[name] as (...given: never[]) => unknown)(...given))
    for (const name of ABSENT) define(name, (binding) => binding.absent(name))
  }
}

/** The class with a method for each of the binding's. */
export const BindingEntrypoint = Entrypoint as unknown as EntrypointClass
export type BindingEntrypoint<Env> = WorkerEntrypoint<Env, Props> & Methods
