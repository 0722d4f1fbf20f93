// This file finds the tokenizer and the chat format of the MODEL of a text command. MODEL is a packed folder,
// a GGUF file, a Hugging Face folder, or a folder or file with a tokenizer alone. Weights are never read.

import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { MAX_JSON_BYTES } from '../../src/formats/limits.ts'
import { IsletError } from '../../src/lib/errors.ts'
import { chatOfGguf, checkChat } from '../../src/packing/chat-format.ts'
import { readGgufMetadata } from '../../src/packing/source-gguf.ts'
import { tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import type { GgufMetadata } from '../../src/packing/tokenizer-gguf.ts'
import {
  chatFromFolder,
  isTokenizerFile,
  TEMPLATE_FILE,
  TOKENIZER_FILES,
  tiktokenAmong,
  tokenizerFromFolder,
} from '../../src/packing/tokenizer-hf.ts'
import { inFile, naming } from '../../src/packing/in-file.ts'
import { folderReader, kindOf, type ReadFile } from '../../src/packing/small-file.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import { MODELS, readManifest, readTokenizerFile } from './model.ts'

export type TextModel = {
  tokenizer: Tokenizer
  chat: ChatFormat
  /** The file of a checkpoint in which a template would be; a packed model's has been checked. */
  chatFile?: string
}

/** The chat format of a model that reads or writes chats. Throws what packing says of a template that cannot be read. */
export function checkedChat({ chat, chatFile }: TextModel): ChatFormat {
  if (chatFile !== undefined) checkChat({ chat, chatFile })
  return chat
}

/** Throws model_not_found, or what reading the files throws. */
export async function tokenizerOf(model: string): Promise<TextModel> {
  for (const path of [model, join(MODELS, model.toLowerCase())]) {
    const facts = await stat(path).catch(() => undefined)
    if (facts === undefined) continue
    if (facts.isDirectory()) return fromFolder(path)
    if (facts.isFile()) return fromFile(path)
    throw new IsletError('invalid_file', `${path} is ${kindOf(facts)}, not a file`, { param: 'MODEL' })
  }
  throw new IsletError(
    'model_not_found',
    `there is no model ${JSON.stringify(model)}: give a name in models/, a packed folder, a .gguf file, a Hugging Face folder or a tokenizer file`,
    { param: 'MODEL' },
  )
}

async function fromFolder(folder: string): Promise<TextModel> {
  const files = await readdir(folder)
  if (files.includes('manifest.json')) return fromPacked(folder)
  if (files.some(isTokenizerFile))
    return fromHuggingFace(folderReader(folder), basename(resolve(folder)), tiktokenAmong(files))
  const ggufs = files.filter((name) => name.endsWith('.gguf')).toSorted()
  const chosen = ggufs.includes('vocab.gguf') ? 'vocab.gguf' : ggufs[0]
  if (chosen !== undefined) return fromGguf(join(folder, chosen))
  throw new IsletError(
    'model_not_found',
    `${folder} has no manifest.json, ${TOKENIZER_FILES.join(', ')} or .gguf file`,
    { param: 'MODEL' },
  )
}

async function fromFile(path: string): Promise<TextModel> {
  if (path.endsWith('.gguf')) return fromGguf(path)
  const name = basename(path)
  const own = ownName(name)
  if (own === undefined) {
    throw new IsletError(
      'unsupported_format',
      `${name} is neither a .gguf, a tokenizer.json, a .model nor a .tiktoken file`,
      { param: 'MODEL' },
    )
  }
  // The file that was named, and only the settings beside it.
  const beside = folderReader(dirname(path))
  const given = folderReader(dirname(path), MAX_JSON_BYTES) // whatever it is called
  const file = name === 'merges.txt' ? own : name
  const only: ReadFile = async (wanted) =>
    wanted === own ? given(file) : isTokenizerFile(wanted) ? undefined : beside(wanted)
  try {
    return await fromHuggingFace(only, basename(dirname(resolve(path))), tiktokenAmong([own]))
  } catch (error) {
    throw inFile(name, error)
  }
}

/** The name under which a folder's reader looks for this kind of file. */
function ownName(name: string): string | undefined {
  if (name === 'merges.txt') return 'vocab.json'
  if (name === 'vocab.json' || name === 'ice_text.model' || name.endsWith('.tiktoken')) return name
  if (name.endsWith('.json')) return 'tokenizer.json'
  return name.endsWith('.model') ? 'tokenizer.model' : undefined
}

async function fromPacked(folder: string): Promise<TextModel> {
  const manifest = await readManifest(folder)
  return { tokenizer: readTokenizer(await readTokenizerFile(folder, manifest)), chat: manifest.chat }
}

async function fromGguf(path: string): Promise<TextModel> {
  const metadata = (await readGgufMetadata(path)) as GgufMetadata
  const bytes = naming(basename(path), () => writeTokenizer(tokenizerFromGguf(metadata)))
  return {
    tokenizer: readTokenizer(bytes),
    chat: chatOfGguf(metadata, basename(path)),
    chatFile: basename(path),
  }
}

async function fromHuggingFace(read: ReadFile, name: string, tiktoken?: string): Promise<TextModel> {
  const source = await tokenizerFromFolder(read, tiktoken)
  const bytes = naming(source.file ?? name, () => writeTokenizer(source))
  const chatFile = (await read(TEMPLATE_FILE)) === undefined ? 'tokenizer_config.json' : TEMPLATE_FILE
  return { tokenizer: readTokenizer(bytes), chat: await chatFromFolder(read, name), chatFile }
}
