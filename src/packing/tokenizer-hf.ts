// This file reads the tokenizer and the chat template of a Hugging Face folder. They lie in the tokenizer's
// file and the settings beside it.

import { IsletError } from '../lib/errors.ts'
import { TOKEN } from '../tokenizer/format.ts'
import type { ChatFormat } from '../weights/manifest.ts'
import { show } from '../models/facts.ts'
import { chatOfFolder, templateChat, TOOL_TEMPLATE, type FolderFacts } from './chat-format.ts'
import { naming } from './in-file.ts'
import { readJsonFile as readJson, type ReadFile } from './small-file.ts'
import { CHATGLM_ENDS, completeChatGlm, isChatGlm } from './tokenizer-chatglm.ts'
import { growTokens } from './token-arrays.ts'
import { sentencePieceToken } from './tokenizer-gguf.ts'
import { tokenizerFromJson } from './tokenizer-json.ts'
import type { AddedToken } from './tokenizer-json.ts'
import { tokenizerFromPieces } from './tokenizer-pieces.ts'
import { tokenizerFromTiktoken } from './tokenizer-tiktoken.ts'
import { tokenizerFromVocabulary } from './tokenizer-vocabulary.ts'
import { checkNames, settleSpecials } from './tokenizer-write.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

type Json = Readonly<Record<string, unknown>>

/** Files that hold a tokenizer, the original's own format first: the first that is there is read. */
export const TOKENIZER_FILES = [
  'tokenizer.model',
  'ice_text.model',
  'tokenizer.json',
  'qwen.tiktoken',
  'vocab.json',
] as const

/** Where a chat template lies by itself. */
export const TEMPLATE_FILE = 'chat_template.jinja'
const TOOL_TEMPLATE_FILE = `additional_chat_templates/${TOOL_TEMPLATE}.jinja`

const SETTINGS = 'tokenizer_config.json'
const GENERATION = 'generation_config.json'

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
  const config = (await readJson(readFile, SETTINGS)) ?? {}
  const model = (await readJson(readFile, 'config.json')) ?? {}
  const json = await readJson(readFile, 'tokenizer.json')
  const { source, names, file } = await readSource(readFile, config, model, json, tiktoken)
  const { settings } = source
  source.file = file

  const code = await readFile('tokenization_chatglm.py')
  const files = { tokenizer: config, model, code: code && new TextDecoder().decode(code) }
  const glm = isChatGlm(source, names, files)
  if (glm) completeChatGlm(source, names, files)
  // ChatGLM's are complete by now; a list beside them names some again.
  const before = glm ? names.length : 0
  const add = (of: string, read: () => AddedToken[]): void =>
    naming(of, () =>
      addTokens(
        source,
        names,
        read().filter(({ id }) => id >= before),
      ),
    )
  add('tokenizer.json', () => addedTokens(json?.added_tokens))
  add(SETTINGS, () => addedFromConfig(config.added_tokens_decoder))
  naming(file, () => checkNames(names, source.types))

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

  const generation = await readJson(readFile, GENERATION)
  const ends = naming(generation === undefined ? 'config.json' : GENERATION, () =>
    endsOf((generation ?? model).eos_token_id, settings.idOffset ?? 0, names.length),
  )
  settings.eosId ??= ends[0]
  if (glm) ends.push(...CHATGLM_ENDS.map(idOfName))
  settings.endIds = settleSpecials(names, source.types, [settings.eosId, ...ends])
  return source
}

type Read = { source: TokenizerSource; names: string[] }

/** The ids that end an answer, one or a list of them, as rows of this file. */
function endsOf(said: unknown, offset: number, count: number): (number | undefined)[] {
  return [said].flat().map((id: unknown) => {
    if (id === undefined || id === null || id === -1) return undefined
    if (!Number.isInteger(id)) throw new IsletError('invalid_file', `eos_token_id has ${show(id)}, no id`)
    const row = (id as number) - offset
    if (row < count) return row
    throw new IsletError(
      'invalid_file',
      `eos_token_id has ${show(id)}, which is beyond the ${count} tokens of the tokenizer`,
    )
  })
}

async function readSource(
  readFile: ReadFile,
  config: Json,
  model: Json,
  json: Json | undefined,
  tiktoken: string,
): Promise<Read & { file: string }> {
  const from = (file: string, read: () => Read): Read & { file: string } =>
    naming(file, () => ({ ...read(), file }))
  for (const name of ['tokenizer.model', 'ice_text.model']) {
    const pieces = await readFile(name)
    if (pieces !== undefined) return from(name, () => tokenizerFromPieces(pieces, config, model))
  }
  if (json !== undefined) return from('tokenizer.json', () => tokenizerFromJson(json))
  const facts = {
    tokenizerClass: config.tokenizer_class ?? model.tokenizer_class,
    modelType: model.model_type,
    vocabSize: model.vocab_size,
  }
  const ranks = await readFile(tiktoken)
  if (ranks !== undefined) return from(tiktoken, () => tokenizerFromTiktoken(ranks, facts))
  const vocab = await readJson(readFile, 'vocab.json')
  const merges = await readFile('merges.txt')
  if (vocab !== undefined && merges !== undefined)
    return from('vocab.json', () => tokenizerFromVocabulary(vocab, merges, facts))
  throw new IsletError(
    'invalid_file',
    `the folder has none of ${TOKENIZER_FILES.join(', ')} (with merges.txt)`,
  )
}

/**
 * The chat format of a folder: chat_template.jinja, with that for tools in a folder beside it, else the
 * template in tokenizer_config.json (`default` and `tool_use` of several), else what the family has built in.
 * `name` is that of the folder.
 */
export async function chatFromFolder(readFile: ReadFile, name = ''): Promise<ChatFormat> {
  const file = await readFile(TEMPLATE_FILE)
  const beside = await readFile(TOOL_TEMPLATE_FILE)
  const own = templateChat(file && decodeText(file), beside && decodeText(beside))
  if (own !== undefined) return own
  const config = (await readJson(readFile, SETTINGS)) ?? {}
  const named = Array.isArray(config.chat_template)
    ? (config.chat_template as { name?: unknown; template?: unknown }[])
    : [{ name: 'default', template: config.chat_template }]
  const templateOf = (wanted: string) => named.find((entry) => entry?.name === wanted)?.template
  const toolTemplate = beside === undefined ? templateOf(TOOL_TEMPLATE) : decodeText(beside)
  const code = await readFile('tokenization_chatglm.py')
  const facts: FolderFacts = {
    config: await readJson(readFile, 'config.json'),
    tokenizer: config,
    generation: await readJson(readFile, 'generation_config.json'),
    code: code === undefined ? '' : decodeText(code),
    iceText: (await readFile('ice_text.model')) !== undefined,
    sentencePiece: (await readFile('tokenizer.model')) !== undefined,
    name,
  }
  return chatOfFolder(templateOf('default') ?? named[0]?.template, facts, toolTemplate)
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
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
  growTokens(source, size)
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
  return value.map((entry: Json | null) => {
    const { id, content, special } = entry ?? {}
    if (!Number.isInteger(id) || (id as number) < 0 || typeof content !== 'string') {
      throw new IsletError('invalid_file', `an added token has id ${show(id)} and content ${show(content)}`)
    }
    const flags = ['lstrip', 'rstrip', 'single_word'].filter((flag) => entry?.[flag] === true)
    if (flags.length > 0) {
      throw new IsletError(
        'unsupported_format',
        `the added token ${show(content)} is ${flags.join(', ')}, which is not supported`,
      )
    }
    return { id: id as number, name: content, special: special === true }
  })
}

/** A token given by name or as an object with its content. */
function textOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value
}
