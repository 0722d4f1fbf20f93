// MODEL of the text commands to a tokenizer and a chat template: a packed folder, a GGUF file, a Hugging Face folder,
// or a folder or file with a tokenizer alone. Weights are never read.

import { createHash } from 'node:crypto'
import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gguf } from '@huggingface/gguf'
import { IsletError } from '../../src/lib/errors.ts'
import { chatFromGguf, tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import type { GgufMetadata } from '../../src/packing/tokenizer-gguf.ts'
import { chatFromFolder, tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import type { ReadFile } from '../../src/packing/tokenizer-hf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { ChatFormat, Manifest } from '../../src/weights/manifest.ts'

export type TextModel = { tokenizer: Tokenizer; chat: ChatFormat }

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url))
const ALONE = ['tokenizer.model', 'tokenizer.json', 'vocab.gguf']

/** Throws model_not_found, or what reading the files throws. */
export async function tokenizerOf(model: string): Promise<TextModel> {
  const path = (await kindOf(model)) === undefined ? join(MODELS, model.toLowerCase()) : model
  const kind = await kindOf(path)
  if (kind === 'folder') return fromFolder(path)
  if (kind === 'file') return fromFile(path)
  throw new IsletError(
    'model_not_found',
    `there is no model ${JSON.stringify(model)}: give a name in models/, a packed folder, a .gguf file, a Hugging Face folder or a tokenizer file`,
    { param: 'MODEL' },
  )
}

async function fromFolder(folder: string): Promise<TextModel> {
  const files = await readdir(folder)
  if (files.includes('manifest.json')) return fromPacked(folder)
  if (files.includes('tokenizer.json') || files.includes('tokenizer.model'))
    return fromHuggingFace(filesIn(folder))
  const ggufs = files.filter((name) => name.endsWith('.gguf')).toSorted()
  const chosen = ggufs.includes('vocab.gguf') ? 'vocab.gguf' : ggufs[0]
  if (chosen !== undefined) return fromGguf(join(folder, chosen))
  throw new IsletError(
    'model_not_found',
    `${folder} has no manifest.json, ${ALONE.join(', ')} or .gguf file`,
    { param: 'MODEL' },
  )
}

async function fromFile(path: string): Promise<TextModel> {
  if (path.endsWith('.gguf')) return fromGguf(path)
  const name = basename(path)
  const own = name.endsWith('.json')
    ? 'tokenizer.json'
    : name.endsWith('.model')
      ? 'tokenizer.model'
      : undefined
  if (own === undefined) {
    throw new IsletError(
      'unsupported_format',
      `${name} is neither a .gguf, a tokenizer.json nor a tokenizer.model`,
      { param: 'MODEL' },
    )
  }
  // The file that was named, and only the settings beside it.
  const beside = filesIn(dirname(path))
  return fromHuggingFace(async (file) =>
    file === own ? readFile(path) : ALONE.includes(file) ? undefined : beside(file),
  )
}

async function fromPacked(folder: string): Promise<TextModel> {
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest
  const { file, sha256 } = manifest.tokenizer
  const bytes = new Uint8Array(await readFile(join(folder, basename(file))))
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new IsletError(
      'checksum_mismatch',
      `${file} in ${folder} is not the file that was packed; pack or pull the model again`,
    )
  }
  return { tokenizer: readTokenizer(bytes), chat: manifest.chat }
}

async function fromGguf(path: string): Promise<TextModel> {
  let metadata: GgufMetadata
  try {
    metadata = (await gguf(path, { allowLocalFile: true })).metadata as unknown as GgufMetadata
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError('invalid_file', `${path} cannot be read as GGUF: ${reason}`, {
      param: 'MODEL',
      cause,
    })
  }
  return {
    tokenizer: readTokenizer(writeTokenizer(tokenizerFromGguf(metadata))),
    chat: chatFromGguf(metadata),
  }
}

async function fromHuggingFace(read: ReadFile): Promise<TextModel> {
  const source = await tokenizerFromFolder(read)
  return { tokenizer: readTokenizer(writeTokenizer(source)), chat: await chatFromFolder(read) }
}

function filesIn(folder: string): ReadFile {
  return async (name) =>
    (await kindOf(join(folder, name))) === 'file' ? readFile(join(folder, name)) : undefined
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch {
    return undefined
  }
}
