// An Islet is what a Worker of one's own serves, exports and calls: the sub-app, its classes, and methods.

import { makeDeps } from './deps.ts'
import { entryOf, type Entry } from './entry.ts'
import { laneClass, type LaneClass } from './lane-class.ts'
import { once, setupOf, type Given, type IsletOptions } from './options.ts'

export { createLane, type LaneClass } from './lane-class.ts'
export type { Caller } from './api/context.ts'
export type { Binding } from './binding/binding.ts'
export type { Options } from './env.ts'
export type { BindingNames, IsletOptions, LaneOptions } from './options.ts'
export type * from './binding/types.ts'

export type Islet<Env extends object> = Entry<Env> & {
  /** The Durable Object class, for scripts that hold the lanes too: export a class that extends it. */
  readonly Lane: LaneClass<Env>
}

/**
 * An Islet of these options. Nothing is made of `env` before the first request, and then once in an isolate. Throws Error for an
 * option that is wrong, here where they are no function.
 */
export function createIslet<Env extends object = object>(given: Given<Env, IsletOptions> = {}): Islet<Env> {
  const setup = setupOf<Env, IsletOptions>(given)
  const lane = once(() => laneClass(setup))
  return {
    ...entryOf(setup, (env) => makeDeps(setup(env))),
    get Lane() {
      return lane(undefined)
    },
  }
}
