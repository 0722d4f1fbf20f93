// This file opens what a user names as a checkpoint: a .gguf file or a Hugging Face folder.

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { IsletError } from '../lib/errors.ts'
import { MAX_JSON_BYTES } from '../formats/limits.ts'
import { openGguf } from './source-gguf.ts'
import { openSafetensorsFolder } from './source-safetensors.ts'
import { defaultId, type ModelSource } from './source.ts'

/**
 * A .gguf file, a folder with config.json and safetensors, or the model.safetensors in such a folder.
 * `model_not_found` where nothing is; `unsupported_format` says what is read instead.
 */
export async function openSource(path: string): Promise<ModelSource> {
  const full = resolve(path)
  const facts = await stat(full).catch(() => undefined)
  if (facts === undefined) throw new IsletError('model_not_found', `${path} does not exist: check the path`)
  if (facts.isDirectory()) return openFolder(full)
  if (/\.gguf$/i.test(full)) return openGguf(full, defaultId(full))
  if (basename(full) === 'model.safetensors') return openFolder(dirname(full))
  if (/\.(bin|pt|pth|ckpt)$/i.test(full)) throw pickle(basename(full))
  throw new IsletError(
    'unsupported_format',
    `${path} is neither a .gguf file nor a folder with config.json and safetensors`,
  )
}

/** A reader of small files in a folder: undefined where one is absent. */
export function folderReader(folder: string): (name: string) => Promise<Uint8Array | undefined> {
  return async (name) => {
    const path = join(folder, name)
    const facts = await stat(path).catch(() => undefined)
    if (facts === undefined || !facts.isFile()) return undefined
    if (facts.size > MAX_JSON_BYTES) {
      throw new IsletError(
        'invalid_file',
        `${name} has ${facts.size} bytes, at most ${MAX_JSON_BYTES} are read`,
      )
    }
    return new Uint8Array(await readFile(path))
  }
}

async function openFolder(folder: string): Promise<ModelSource> {
  const names = await readdir(folder)
  if (!names.includes('config.json')) {
    throw new IsletError('unsupported_format', `${folder} has no config.json: it is no Hugging Face folder`)
  }
  if (!names.some((name) => name.endsWith('.safetensors') || name === 'model.safetensors.index.json')) {
    const weights = names.find((name) => /\.(bin|pt|pth|ckpt)$/.test(name))
    if (weights !== undefined) throw pickle(weights)
    throw new IsletError('unsupported_format', `${folder} has no model.safetensors: download the weights too`)
  }
  return openSafetensorsFolder(folder, folderReader(folder), defaultId(folder))
}

function pickle(name: string): IsletError {
  return new IsletError(
    'unsupported_format',
    `${name} is a Python pickle, which can run code when read, so it is not: use the safetensors or GGUF version`,
  )
}
