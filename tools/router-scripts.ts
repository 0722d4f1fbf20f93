// Several models are a script each, and one router in front of them that is asked from outside.

import { readFileSync } from 'node:fs'
import { IsletError } from '../src/lib/errors.ts'
import type { Manifest } from '../src/weights/manifest.ts'
import { chainScripts } from './chain-scripts.ts'
import { MAX_NAME, type Script } from './scripts.ts'

/** A folder of models/, as the option `--model` names it; `script` behind an `@`. */
export type NamedModel = { name: string; script?: string }

/**
 * Reads values of `--model`: `NAME`, or beside others `NAME@SCRIPT` for a script that has the model already.
 * @throws IsletError `invalid_request`.
 */
export function namedModels(values: readonly string[]): NamedModel[] {
  return values.map((value) => {
    const [, name, script] = /^([a-z0-9][a-z0-9._-]*)(?:@([a-z0-9][a-z0-9-]*))?$/i.exec(value) ?? []
    if (name !== undefined && (script === undefined || values.length > 1))
      return { name: name.toLowerCase(), script }
    const says = `--model ${value}: give the name of a folder in models/, and behind it, of several, @ and the name of its script`
    throw new IsletError('invalid_request', says, { param: '--model' })
  })
}

/**
 * A packed model; `script`: the name of the script that has it, where it has one already. `inStages`: a chain of scripts has it,
 * that one is its hub.
 */
export type ServedModel = { folder: string; script?: string; inStages?: boolean }

/** The scripts of a router called `name`, and the ids of its models in their order. `vars` are for all of them. */
export function routerScripts(
  name: string,
  served: readonly ServedModel[],
  vars: Readonly<Record<string, string>> = {},
): { scripts: Script[]; ids: string[] } {
  const models = served.map(({ folder, script, inStages = false }) => {
    const { id } = JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')) as Manifest
    return {
      id,
      folder,
      inStages,
      script: script ?? `${name}-${id.replace(/[^a-z0-9]+/g, '-')}`.slice(0, MAX_NAME),
    }
  })
  const ids = models.map(({ id }) => id)
  const twice = ids.find((id, place) => ids.indexOf(id) !== place)
  if (twice !== undefined)
    throw new IsletError('conflict', `the model ${twice} is there twice`, { param: '--model' })
  const lanes = models.map(({ script }): Script['objects'][string] => ({ class: 'LaneObject', script }))
  const router: Script = {
    name,
    main: 'src/router.ts',
    manifests: models.map(({ folder }) => folder),
    vars: { ...vars, MODEL: undefined, MODELS: ids.join() },
    objects: Object.fromEntries(lanes.map((lane, place) => [`LANE_${place}`, lane])),
    isPublic: true,
  }
  const scripts = models.flatMap(({ id, folder, script, inStages }): Script[] => {
    if (inStages) return chainScripts(script, folder, vars, false).scripts
    const objects = { LANE: { class: 'LaneObject' } }
    const main = 'src/worker.ts'
    return [{ name: script, main, model: folder, vars: { ...vars, MODEL: id }, objects, isPublic: false }]
  })
  return { scripts: [router, ...scripts], ids }
}
