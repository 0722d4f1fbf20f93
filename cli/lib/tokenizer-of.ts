// MODEL of the text commands to a tokenizer and a chat format: a packed folder, a GGUF file, a Hugging Face folder,
// or a folder or file with a tokenizer alone. Weights are never read.

import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { IsletError } from '../../src/lib/errors.ts'
import { chatOfGguf } from '../../src/packing/chat-format.ts'
import { readGgufMetadata } from '../../src/packing/source-gguf.ts'
import { tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import type { GgufMetadata } from '../../src/packing/tokenizer-gguf.ts'
import { chatFromFolder, tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import type { ReadFile } from '../../src/packing/tokenizer-hf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import { MODELS, readManifest, readTokenizerFile } from './model.ts'

export type TextModel = { tokenizer: Tokenizer; chat: ChatFormat }

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
    return fromHuggingFace(filesIn(folder), basename(resolve(folder)))
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
  const only: ReadFile = async (file) =>
    file === own ? readFile(path) : ALONE.includes(file) ? undefined : beside(file)
  return fromHuggingFace(only, basename(dirname(resolve(path))))
}

async function fromPacked(folder: string): Promise<TextModel> {
  const manifest = await readManifest(folder)
  return { tokenizer: readTokenizer(await readTokenizerFile(folder, manifest)), chat: manifest.chat }
}

async function fromGguf(path: string): Promise<TextModel> {
  const metadata = (await readGgufMetadata(path)) as GgufMetadata
  return {
    tokenizer: readTokenizer(writeTokenizer(tokenizerFromGguf(metadata))),
    chat: chatOfGguf(metadata, basename(path)),
  }
}

async function fromHuggingFace(read: ReadFile, name: string): Promise<TextModel> {
  const source = await tokenizerFromFolder(read)
  return { tokenizer: readTokenizer(writeTokenizer(source)), chat: await chatFromFolder(read, name) }
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
