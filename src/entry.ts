// An entry is what a Worker exports beside the lanes: the app, the class of the binding, and its methods.

import type { HonoBase } from 'hono/hono-base'
import { createApp, metered } from './api/app.ts'
import type { ApiDeps } from './api/context.ts'
import { Binding } from './binding/binding.ts'
import { BindingEntrypoint } from './binding/entrypoint.ts'
import { insideApp } from './binding/inside.ts'
import type { Props } from './binding/types.ts'
import { subApp } from './mount.ts'
import { once, type IsletOptions, type Setup } from './options.ts'

export type Entry<Env extends object> = {
  /** The HTTP API, to be mounted at any path by `app.route(path, islet.app)`, or to be exported itself. */
  readonly app: HonoBase<{ Bindings: Env }>
  /** The class that other Workers bind as a service; export a class that extends it. */
  readonly WorkersAI: new (ctx: ExecutionContext<Props>, env: Env) => BindingEntrypoint<Env>
  /** The methods of the binding, called without HTTP and without a key, for the tenant that `props` name. */
  binding(env: Env, props?: Props): Binding
}

/** The entry of a setup; what `depsOf` gives is made once in an isolate, at the first request. */
export function entryOf<Env extends object>(
  setup: (env: Env) => Setup<IsletOptions>,
  depsOf: (env: Env) => ApiDeps,
): Entry<Env> {
  const deps = once((env: Env) => metered(depsOf(env)))
  const inside = once((env: Env) => insideApp(deps(env)))
  const served = once((env: Env) => ({ app: createApp(deps(env)), setup: setup(env) }))
  return {
    app: subApp(served),
    WorkersAI: class extends BindingEntrypoint<Env> {
      constructor(ctx: ExecutionContext<Props>, env: Env) {
        super(ctx, env, inside(env))
      }
    },
    binding: (env, props) => new Binding(inside(env), props),
  }
}
