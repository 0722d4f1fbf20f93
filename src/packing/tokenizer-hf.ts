// The tokenizer and chat template of a Hugging Face folder: tokenizer.model or tokenizer.json, and the settings beside it.

import { IsletError } from '../lib/errors.ts'
import { TOKEN } from '../tokenizer/format.ts'
import type { ChatFormat } from '../weights/manifest.ts'
import { chatOfFolder } from './chat-format.ts'
import { sentencePieceToken } from './tokenizer-gguf.ts'
import { tokenizerFromJson } from './tokenizer-json.ts'
import type { AddedToken } from './tokenizer-json.ts'
import { readSentencePieceModel } from './tokenizer-model.ts'
import { ranksOfScores, settleSpecials } from './tokenizer-write.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

/** The bytes of a file of the folder, undefined if it is not there. */
export type ReadFile = (name: string) => Promise<Uint8Array | undefined>

type Json = Readonly<Record<string, unknown>>

/**
 * Reads tokenizer.model (the original, preferred) or tokenizer.json, with tokenizer_config.json, generation_config.json
 * and config.json. Throws invalid_file if there is neither, unsupported_format for kinds that are not known.
 */
export async function tokenizerFromFolder(readFile: ReadFile): Promise<TokenizerSource> {
  const config = (await readJson(readFile, 'tokenizer_config.json')) ?? {}
  const json = await readJson(readFile, 'tokenizer.json')
  const model = await readFile('tokenizer.model')
  let source: TokenizerSource
  let names: string[]
  if (model !== undefined) ({ source, names } = fromModel(model, config))
  else if (json !== undefined) ({ source, names } = tokenizerFromJson(json))
  else throw new IsletError('invalid_file', 'the folder has neither tokenizer.json nor tokenizer.model')

  const added = [...addedTokens(json?.added_tokens), ...addedFromConfig(config.added_tokens_decoder)]
  addTokens(source, names, added)

  const { settings } = source
  const idOfName = (name: unknown): number | undefined => {
    const at = typeof name === 'string' ? names.indexOf(name) : -1
    return at >= 0 ? at : undefined
  }
  settings.bosId = 'bos_token' in config ? idOfName(textOf(config.bos_token)) : settings.bosId
  settings.eosId = idOfName(textOf(config.eos_token)) ?? settings.eosId
  if (typeof config.add_bos_token === 'boolean') settings.addBos = config.add_bos_token
  if (config.add_prefix_space === false && settings.algorithm === 'bpe-sentencepiece')
    settings.dummyPrefix = 'none'

  const generation =
    (await readJson(readFile, 'generation_config.json')) ?? (await readJson(readFile, 'config.json')) ?? {}
  const ends = [generation.eos_token_id]
    .flat()
    .map((id) => (Number.isInteger(id) ? (id as number) : undefined))
  settings.eosId ??= ends[0]
  settings.endIds = settleSpecials(names, source.types, [settings.eosId, ...ends])
  return source
}

/**
 * The chat format of a folder: chat_template.jinja, else the template in tokenizer_config.json (named `default` of
 * several), else what the family has built in. `name` is that of the folder.
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

function fromModel(file: Uint8Array, config: Json): { source: TokenizerSource; names: string[] } {
  const model = readSentencePieceModel(file)
  const known = (id: number): number | undefined => (id >= 0 && id < model.pieces.length ? id : undefined)
  const names = model.pieces.map((piece) => piece.name)
  // Tokenizer classes differ in their default; those that add none (Baichuan) have their own names.
  const named = config.tokenizer_class
  const addBos = typeof named !== 'string' || /^(Code)?(Llama|Gemma)Tokenizer/.test(named)
  return {
    names,
    source: {
      tokens: names.map(sentencePieceToken),
      types: Uint8Array.from(model.pieces, (piece) => piece.type),
      ranks: ranksOfScores(model.pieces.map((piece) => piece.score)),
      merges: new Uint32Array(0),
      settings: {
        algorithm: 'bpe-sentencepiece',
        normalizer: 'none',
        ignoreMerges: false,
        dummyPrefix: !model.addDummyPrefix ? 'none' : config.legacy === false ? 'first' : 'each',
        removeExtraSpaces: model.removeExtraSpaces,
        cutAtSpaces: false,
        addBos,
        bosId: known(model.bosId),
        eosId: known(model.eosId),
        unknownId: known(model.unknownId),
        endIds: [],
      },
    },
  }
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
  const types = new Uint8Array(size).fill(TOKEN.unused)
  types.set(source.types)
  while (names.length < size) {
    names.push('')
    source.tokens.push(new Uint8Array(0))
  }
  for (const { id, name, special } of added) {
    if (names[id] !== '' && names[id] !== name) continue // a placeholder for a piece of another name
    names[id] = name
    if (types[id] !== TOKEN.unknown && types[id] !== TOKEN.byte)
      types[id] = special ? TOKEN.control : TOKEN.userDefined
    const plain = source.settings.algorithm === 'bpe-bytes'
    source.tokens[id] = plain ? new TextEncoder().encode(name) : sentencePieceToken(name)
  }
  source.types = types
  if (source.ranks.length > 0 && source.ranks.length < size) {
    const ranks = new Uint32Array(size)
    ranks.set(source.ranks)
    source.ranks = ranks
  }
}

function addedFromConfig(value: unknown): AddedToken[] {
  if (typeof value !== 'object' || value === null) return []
  return addedTokens(Object.entries(value).map(([id, token]) => ({ ...(token as object), id: Number(id) })))
}

/** Added tokens of tokenizer.json or tokenizer_config.json. Throws for those that swallow spaces beside them. */
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
