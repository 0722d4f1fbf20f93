// This file opens what a user names as a checkpoint: a .gguf file or a Hugging Face folder.

import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { IsletError } from '../lib/errors.ts'
import { factsOfFile, folderReader, kindOf } from './small-file.ts'
import { openGguf } from './source-gguf.ts'
import { openSafetensorsFolder } from './source-safetensors.ts'
import { defaultId, type ModelSource } from './source.ts'

/**
 * A .gguf file, a folder with config.json and safetensors, or the model.safetensors in such a folder.
 * `model_not_found` where nothing is; `unsupported_format` says what is read instead.
 */
export async function openSource(path: string): Promise<ModelSource> {
  const source = await openCheckpoint(path)
  // A large one takes a second to make, and packing asks for it several times.
  let tokenizer: ReturnType<ModelSource['tokenizer']> | undefined
  return { ...source, tokenizer: () => (tokenizer ??= source.tokenizer()) }
}

async function openCheckpoint(path: string): Promise<ModelSource> {
  const full = resolve(path)
  const facts = await stat(full).catch(() => factsOfFile(full, path))
  if (facts === undefined) throw new IsletError('model_not_found', `${path} does not exist: check the path`)
  if (facts.isDirectory()) return openFolder(full)
  if (!facts.isFile()) throw new IsletError('invalid_file', `${path} is ${kindOf(facts)}, not a file`)
  if (/\.gguf$/i.test(full)) return openGguf(full, defaultId(full))
  if (basename(full) === 'model.safetensors') return openFolder(dirname(full))
  if (/\.(bin|pt|pth|ckpt)$/i.test(full)) throw pickle(basename(full))
  throw new IsletError(
    'unsupported_format',
    `${path} is neither a .gguf file nor a folder with config.json and safetensors`,
  )
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
