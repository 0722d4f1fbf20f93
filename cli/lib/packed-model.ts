// This file finds the packed folder of a model, and makes it where there is a file to make it of.

import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { command as pack } from '../pack.ts'
import { findModel, MODELS, readManifest } from './model.ts'
import { ensureModel, isKnown, outOfReach } from './pull.ts'

/**
 * The folder of a model that is packed, or now is. Throws what pulling and packing throw; `internal_error` for one
 * that is out of reach.
 */
export async function packedModel(model: string): Promise<string> {
  if (isKnown(model)) {
    const outcome = await ensureModel(model, { log: (line) => process.stderr.write(`${line}\n`) })
    if (outcome === 'unreachable') throw outOfReach(model)
    return join(MODELS, model)
  }
  const { kind, path } = await findModel(model)
  if (kind === 'packed') return path
  const folder = join(MODELS, idOf(path))
  if ((await stat(join(folder, 'manifest.json')).catch(() => undefined)) === undefined)
    await pack.run([path, folder, '--id', idOf(path)])
  return folder
}

/** The id that the model will have once it is packed. Throws `model_not_found` for what is no model. */
export async function idOfModel(model: string): Promise<string> {
  if (isKnown(model)) return model
  const { kind, path } = await findModel(model)
  return kind === 'packed' ? (await readManifest(path)).id : idOf(path)
}

/** Of a file or folder: its name, in what an id may have; with the quantisation, so that two of one model have a folder each. */
function idOf(path: string): string {
  const name = basename(path).toLowerCase()
  return name
    .replace(/\.gguf$/, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
}
