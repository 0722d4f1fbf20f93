// The router's entry serves several models by one API; the lanes of each are objects of a script of its own.

import { lanesOfModel, makeDeps, type LanesNear } from './deps.ts'
import { entryOf } from './entry.ts'
import type { Env } from './env.ts'
import { byVariables, setupOf, type IsletOptions, type Setup } from './options.ts'
import { aliasesOf, manyModels, modelsOf, tagOf, type RoutedModels } from './routing/many-models.ts'

/** `LANE_0` is the class of the first model's script, and so on; tools/router-scripts.ts writes them. */
type RouterEnv = Omit<Env, 'LANE'> & { MODELS: string } & { [binding: `LANE_${number}`]: Env['LANE'] }

const setup = setupOf<RouterEnv, IsletOptions>(byVariables)
const entry = entryOf(setup, (env) => makeDeps(setup(env), lanesOfAll(setup(env), env)))

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
export class WorkersAI extends entry.WorkersAI {}

export default entry.app
