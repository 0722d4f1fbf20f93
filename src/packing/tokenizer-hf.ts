// This file reads the tokenizer and the chat template of a Hugging Face folder. They lie in the tokenizer's
// file and the settings beside it.

import { IsletError } from '../lib/errors.ts'
import { TOKEN } from '../tokenizer/format.ts'
import type { ChatFormat } from '../weights/manifest.ts'
import { chatOfFolder } from './chat-format.ts'
import { CHATGLM_ENDS, completeChatGlm, isChatGlm } from './tokenizer-chatglm.ts'
import { resizeTokens } from './token-arrays.ts'
import { sentencePieceToken } from './tokenizer-gguf.ts'
import { tokenizerFromJson } from './tokenizer-json.ts'
import type { AddedToken } from './tokenizer-json.ts'
import { tokenizerFromPieces } from './tokenizer-pieces.ts'
import { tokenizerFromTiktoken } from './tokenizer-tiktoken.ts'
import { tokenizerFromVocabulary } from './tokenizer-vocabulary.ts'
import { settleSpecials } from './tokenizer-write.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

/** The bytes of a file of the folder, undefined if it is not there. */
export type ReadFile = (name: string) => Promise<Uint8Array | undefined>

type Json = Readonly<Record<string, unknown>>

/** Files that hold a tokenizer, the original's own format first: the first that is there is read. */
export const TOKENIZER_FILES = [
  'tokenizer.model',
  'ice_text.model',
  'tokenizer.json',
  'qwen.tiktoken',
  'vocab.json',
] as const

/** True for a file that holds a tokenizer. */
export function isTokenizerFile(name: string): boolean {
  return (TOKENIZER_FILES as readonly string[]).includes(name) || name.endsWith('.tiktoken')
}

/** The .tiktoken file among the names of a folder's files. */
export function tiktokenAmong(names: readonly string[]): string | undefined {
  return names.includes('qwen.tiktoken')
    ? 'qwen.tiktoken'
    : names.filter((name) => name.endsWith('.tiktoken')).toSorted()[0]
}

/**
 * Reads one of TOKENIZER_FILES, with tokenizer_config.json, generation_config.json and config.json. Throws
 * invalid_file if there is none, unsupported_format for kinds that are not known.
 */
export async function tokenizerFromFolder(
  readFile: ReadFile,
  tiktoken = 'qwen.tiktoken',
): Promise<TokenizerSource> {
  const config = (await readJson(readFile, 'tokenizer_config.json')) ?? {}
  const model = (await readJson(readFile, 'config.json')) ?? {}
  const json = await readJson(readFile, 'tokenizer.json')
  const { source, names } = await readSource(readFile, config, model, json, tiktoken)
  const { settings } = source

  const code = await readFile('tokenization_chatglm.py')
  const files = { tokenizer: config, model, code: code && new TextDecoder().decode(code) }
  const glm = isChatGlm(source, names, files)
  if (glm) completeChatGlm(source, names, files)
  const listed = [...addedTokens(json?.added_tokens), ...addedFromConfig(config.added_tokens_decoder)]
  // ChatGLM's are complete by now; a list beside them names some again.
  addTokens(source, names, glm ? listed.filter((token) => token.id >= names.length) : listed)

  const idOfName = (name: unknown): number | undefined => {
    const at = typeof name === 'string' ? names.indexOf(name) : -1
    return at >= 0 ? at : undefined
  }
  settings.bosId = 'bos_token' in config ? idOfName(textOf(config.bos_token)) : settings.bosId
  // The first release of ChatGLM-6B calls </s> its eos token, and stops at <eop>.
  if (settings.textLayer === undefined) settings.eosId = idOfName(textOf(config.eos_token)) ?? settings.eosId
  if (typeof config.add_bos_token === 'boolean') settings.addBos = config.add_bos_token
  if (config.add_prefix_space === false && settings.algorithm === 'bpe-sentencepiece')
    settings.dummyPrefix = 'none'

  const generation = (await readJson(readFile, 'generation_config.json')) ?? model
  const ends = [generation.eos_token_id]
    .flat()
    .map((id) => (Number.isInteger(id) ? (id as number) - (settings.idOffset ?? 0) : undefined))
  settings.eosId ??= ends[0]
  if (glm) ends.push(...CHATGLM_ENDS.map(idOfName))
  settings.endIds = settleSpecials(names, source.types, [settings.eosId, ...ends])
  return source
}

async function readSource(
  readFile: ReadFile,
  config: Json,
  model: Json,
  json: Json | undefined,
  tiktoken: string,
): Promise<{ source: TokenizerSource; names: string[] }> {
  const pieces = (await readFile('tokenizer.model')) ?? (await readFile('ice_text.model'))
  if (pieces !== undefined) return tokenizerFromPieces(pieces, config, model)
  if (json !== undefined) return tokenizerFromJson(json)
  const facts = {
    tokenizerClass: config.tokenizer_class ?? model.tokenizer_class,
    modelType: model.model_type,
    vocabSize: model.vocab_size,
  }
  const ranks = await readFile(tiktoken)
  if (ranks !== undefined) return tokenizerFromTiktoken(ranks, facts)
  const vocab = await readJson(readFile, 'vocab.json')
  const merges = await readFile('merges.txt')
  if (vocab !== undefined && merges !== undefined) return tokenizerFromVocabulary(vocab, merges, facts)
  throw new IsletError(
    'invalid_file',
    `the folder has none of ${TOKENIZER_FILES.join(', ')} (with merges.txt)`,
  )
}

/**
 * The chat format of a folder: chat_template.jinja, else the template in tokenizer_config.json (named
 * `default` of several), else what the family has built in. `name` is that of the folder.
 */
export async function chatFromFolder(readFile: ReadFile, name = ''): Promise<ChatFormat> {
  const file = await readFile('chat_template.jinja')
  if (file !== undefined) return { kind: 'jinja', template: new TextDecoder().decode(file) }
  const config = (await readJson(readFile, 'tokenizer_config.json')) ?? {}
  let template = config.chat_template
  if (Array.isArray(template)) {
    const named = template as { name?: unknown; template?: unknown }[]
    template = (named.find((entry) => entry.name === 'default') ?? named[0])?.template
  }
  const code = await readFile('tokenization_chatglm.py')
  return chatOfFolder(template, {
    config: await readJson(readFile, 'config.json'),
    tokenizer: config,
    generation: await readJson(readFile, 'generation_config.json'),
    code: code === undefined ? '' : new TextDecoder().decode(code),
    iceText: (await readFile('ice_text.model')) !== undefined,
    sentencePiece: (await readFile('tokenizer.model')) !== undefined,
    name,
  })
}

/** Adds tokens past the vocabulary, and gives those inside it the type that the list says. */
function addTokens(source: TokenizerSource, names: string[], added: readonly AddedToken[]): void {
  const size = added.reduce((most, token) => Math.max(most, token.id + 1), names.length)
  if (size > names.length + added.length + 1024) {
    throw new IsletError(
      'invalid_file',
      `an added token has id ${size - 1}, far past the ${names.length} tokens before it`,
    )
  }
  while (names.length < size) names.push('')
  resizeTokens(source, size)
  const { types } = source
  for (const { id, name, special } of added) {
    if (names[id] !== '' && names[id] !== name) continue // a placeholder for a piece of another name
    names[id] = name
    if (types[id] !== TOKEN.unknown && types[id] !== TOKEN.byte)
      types[id] = special ? TOKEN.control : TOKEN.userDefined
    const plain = source.settings.algorithm === 'bpe-bytes'
    source.tokens[id] = plain ? new TextEncoder().encode(name) : sentencePieceToken(name)
  }
}

function addedFromConfig(value: unknown): AddedToken[] {
  if (typeof value !== 'object' || value === null) return []
  return addedTokens(Object.entries(value).map(([id, token]) => ({ ...(token as object), id: Number(id) })))
}

/**
 * Added tokens of tokenizer.json or tokenizer_config.json. Throws for those that swallow spaces beside them.
 */
function addedTokens(value: unknown): AddedToken[] {
  if (!Array.isArray(value)) return []
  return value.map((entry: Json) => {
    const { id, content, special } = entry
    if (!Number.isInteger(id) || (id as number) < 0 || typeof content !== 'string') {
      throw new IsletError(
        'invalid_file',
        `an added token has id ${String(id)} and content ${JSON.stringify(content)}`,
      )
    }
    const flags = ['lstrip', 'rstrip', 'single_word'].filter((flag) => entry[flag] === true)
    if (flags.length > 0) {
      throw new IsletError(
        'unsupported_format',
        `the added token ${JSON.stringify(content)} is ${flags.join(', ')}, which is not supported`,
      )
    }
    return { id: id as number, name: content, special: special === true }
  })
}

/** A token given by name or as an object with its content. */
function textOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value
}

async function readJson(readFile: ReadFile, name: string): Promise<Json | undefined> {
  const bytes = await readFile(name)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  } catch (cause) {
    throw new IsletError('invalid_file', `${name} is not JSON`, { cause })
  }
  throw new IsletError('invalid_file', `${name} is not a JSON object`)
}
