// An Islet is what a Worker of one's own serves, exports and calls: the sub-app, its classes, and methods.

import type { HonoBase } from 'hono/hono-base'
import { createApp, metered } from './api/app.ts'
import { Binding } from './binding/binding.ts'
import { BindingEntrypoint } from './binding/entrypoint.ts'
import { insideApp } from './binding/inside.ts'
import type { Props } from './binding/types.ts'
import { makeDeps } from './deps.ts'
import { laneClass, type LaneClass } from './lane-class.ts'
import { subApp } from './mount.ts'
import { once, setupOf, type Given, type IsletOptions } from './options.ts'

export { createLane, type LaneClass } from './lane-class.ts'
export type { Caller } from './api/context.ts'
export type { Binding } from './binding/binding.ts'
export type { Options } from './env.ts'
export type { BindingNames, IsletOptions, LaneOptions } from './options.ts'
export type * from './binding/types.ts'

export type Islet<Env extends object> = {
  /** The HTTP API, to be mounted at any path by `app.route(path, islet.app)`, or to be exported itself. */
  readonly app: HonoBase<{ Bindings: Env }>
  /** The Durable Object class, for scripts that hold the lanes too: export a class that extends it. */
  readonly Lane: LaneClass<Env>
  /** The class that other Workers bind as a service; export a class that extends it. */
  readonly WorkersAI: new (ctx: ExecutionContext<Props>, env: Env) => BindingEntrypoint<Env>
  /** The methods of the binding, called without HTTP and without a key, for the tenant that `props` name. */
  binding(env: Env, props?: Props): Binding
}

/**
 * An Islet of these options. Nothing is made of `env` before the first request, and then once in an isolate. Throws Error for an
 * option that is wrong, here where they are no function.
 */
export function createIslet<Env extends object = object>(given: Given<Env, IsletOptions> = {}): Islet<Env> {
  const setup = setupOf<Env, IsletOptions>(given)
  const deps = once((env: Env) => metered(makeDeps(setup(env))))
  const inside = once((env: Env) => insideApp(deps(env)))
  const served = once((env: Env) => ({ app: createApp(deps(env)), setup: setup(env) }))
  const lane = once(() => laneClass(setup))
  return {
    app: subApp(served),
    get Lane() {
      return lane(undefined)
    },
    WorkersAI: class extends BindingEntrypoint<Env> {
      constructor(ctx: ExecutionContext<Props>, env: Env) {
        super(ctx, env, inside(env))
      }
    },
    binding: (env, props) => new Binding(inside(env), props),
  }
}
