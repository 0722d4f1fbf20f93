// A chain's scripts have a model together: the hub, which is asked, and a script for each stage, which the hub asks.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IsletError } from '../src/lib/errors.ts'
import { stageFolder } from '../src/packing/cut.ts'
import type { Manifest, StageCut } from '../src/weights/manifest.ts'
import { MAX_NAME, type Script } from './scripts.ts'

/**
 * What an invocation may ask of others at most, by the platform's limits: each step asks every stage. A lane's invocation
 * lasts as long as its request, and 10,000, which are usual, would be an answer of some thousand tokens.
 */
const SUBREQUESTS = 10_000_000

/**
 * The scripts of a chain called `name`, the hub's first, and the id of its model, whose folder has been cut into stages. `vars` are
 * for all of them. Throws `model_not_found` where it has not.
 */
export function chainScripts(
  name: string,
  folder: string,
  vars: Readonly<Record<string, string>> = {},
  isPublic = true,
): { scripts: Script[]; id: string } {
  const path = join(stageFolder(folder, 0), 'manifest.json')
  if (!existsSync(path))
    throw new IsletError('model_not_found', `${folder} has no stages: islet pack ${folder} --stages auto`)
  const { id, stage } = JSON.parse(readFileSync(path, 'utf8')) as Manifest & { stage: StageCut }
  const stages = stage.shares.slice(1).map((_, i): Script => {
    const suffix = `-stage-${i + 1}`
    return {
      name: `${name.slice(0, MAX_NAME - suffix.length)}${suffix}`,
      main: 'src/stage.ts',
      model: stageFolder(folder, i + 1),
      vars: { ...vars, MODEL: id },
      objects: { STAGE: { class: 'StageObject' } },
      isPublic: false,
    }
  })
  const bound = stages.map(
    ({ name }, i) => [`STAGE_${i + 1}`, { class: 'StageObject', script: name }] as const,
  )
  const hub: Script = {
    name,
    main: 'src/chain.ts',
    model: stageFolder(folder, 0),
    vars: { ...vars, MODEL: id },
    objects: { LANE: { class: 'LaneObject' }, ...Object.fromEntries(bound) },
    limits: { subrequests: SUBREQUESTS },
    isPublic,
  }
  return { scripts: [hub, ...stages], id }
}
