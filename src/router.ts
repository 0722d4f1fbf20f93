// The router's entry serves several models by one API; the lanes of each are objects of a script of its own.

import { createApp, metered } from './api/app.ts'
import { BindingEntrypoint } from './binding/entrypoint.ts'
import { insideApp } from './binding/inside.ts'
import type { Props } from './binding/types.ts'
import { lanesOfModel, makeDeps, type LanesNear } from './deps.ts'
import type { Env } from './env.ts'
import { subApp } from './mount.ts'
import { once, setupOf, type IsletOptions, type Setup } from './options.ts'
import { aliasesOf, manyModels, modelsOf, tagOf, type RoutedModels } from './routing/many-models.ts'

/** `LANE_0` is the class of the first model's script, and so on; tools/router-scripts.ts writes them. */
type RouterEnv = Omit<Env, 'LANE'> & { MODELS: string } & { [binding: `LANE_${number}`]: Env['LANE'] }

const setup = setupOf<RouterEnv, IsletOptions>((env) => ({
  variables: env,
  bindings: {
    ...(env.ANALYTICS && { analytics: 'ANALYTICS' }),
    ...(env.RATE_LIMITER && { rateLimiter: 'RATE_LIMITER' }),
  },
}))
const deps = once((env: RouterEnv) => metered(makeDeps(setup(env), lanesOfAll(setup(env), env))))
const inside = once((env: RouterEnv) => insideApp(deps(env)))
const served = once((env: RouterEnv) => ({ app: createApp(deps(env)), setup: setup(env) }))

/** The lanes of all models, for requests that come in nearest to a region. */
function lanesOfAll({ config, bound }: Setup<IsletOptions>, env: RouterEnv): LanesNear {
  const models = modelsOf(env.MODELS).map((model, place) => {
    const [objects, tag] = [env[`LANE_${place}`], tagOf(model)]
    const aliases = aliasesOf(config.aliases, model, place === 0)
    const lanesNear = lanesOfModel(config, { model, tag, aliases, objects, assets: bound('assets') })
    return { model, tag, lanesNear }
  })
  return (region) =>
    manyModels(
      models.map(({ lanesNear, ...named }) => ({
        ...named,
        lanes: lanesNear(region),
      })) as unknown as RoutedModels,
    )
}

/** Bound by another Worker as a service: `run` and the others choose by the model's name. */
export class WorkersAI extends BindingEntrypoint<RouterEnv> {
  constructor(ctx: ExecutionContext<Props>, env: RouterEnv) {
    super(ctx, env, inside(env))
  }
}

export default subApp(served)
