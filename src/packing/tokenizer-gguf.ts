// This file reads the tokenizer out of a GGUF file's metadata.

import { IsletError } from '../lib/errors.ts'
import { bytesOfName } from '../tokenizer/byte-map.ts'
import { MAX_IDS, TOKEN } from '../tokenizer/format.ts'
import { checkPreTokenizer } from '../tokenizer/pre-tokenizers.ts'
import { CHATGLM_ENDS, CHATGLM_ROLES } from './tokenizer-chatglm.ts'
import { checkNames, mergePairs, mergeRows, ranksOfScores, settleSpecials } from './tokenizer-write.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

/** Metadata keys and values as `@huggingface/gguf` yields them. */
export type GgufMetadata = Readonly<Record<string, unknown>>

/**
 * Reads `tokenizer.ggml.*`. Throws unsupported_format for a model or pre-tokenizer that is not known,
 * invalid_file for damage.
 */
export function tokenizerFromGguf(metadata: GgufMetadata): TokenizerSource {
  const model = metadata['tokenizer.ggml.model']
  if (model === undefined)
    throw new IsletError('invalid_file', 'the GGUF file has no tokenizer (tokenizer.ggml.model)')
  if (model !== 'gpt2' && model !== 'llama') {
    throw new IsletError(
      'unsupported_format',
      `the tokenizer model ${JSON.stringify(model)} is not known; known are "gpt2" and "llama"`,
    )
  }
  const names = listOf(metadata, 'tokens', (value) => typeof value === 'string') as string[]
  if (names.length === 0 || names.length > MAX_IDS) {
    throw new IsletError(
      'invalid_file',
      `tokenizer.ggml.tokens has ${names.length} tokens; 1 to ${MAX_IDS} are allowed`,
    )
  }
  const types = typesOf(metadata, names.length)
  const bosId = idOf(metadata, 'bos_token_id', names.length)
  const eosId = idOf(metadata, 'eos_token_id', names.length)
  if (model === 'llama') restoreSymbols(metadata, types)
  const architecture = metadata['general.architecture']
  const glm = architecture === 'chatglm'
  const idsNamed = (wanted: readonly string[]): number[] =>
    glm ? wanted.map((name) => names.indexOf(name)).filter((id) => id >= 0) : []
  const ends = [eosId, idOf(metadata, 'eot_token_id', names.length), ...idsNamed(CHATGLM_ENDS)]
  const endIds = settleSpecials(names, types, ends)
  checkNames(names, types)
  const common = {
    normalizer: 'none' as const,
    removeExtraSpaces: false,
    cutAtSpaces: false,
    bosId,
    eosId,
    unknownId: idOf(metadata, 'unknown_token_id', names.length),
    endIds,
    ...(glm && { parsedIds: idsNamed(CHATGLM_ROLES), cleanUp: true }),
    ...(architecture === 'baichuan' && { stripBesideSpecials: true }),
  }
  return model === 'gpt2'
    ? byteLevel(metadata, names, types, common)
    : sentencePiece(metadata, names, types, common)
}

type Common = Pick<
  TokenizerSource['settings'],
  | 'normalizer'
  | 'removeExtraSpaces'
  | 'cutAtSpaces'
  | 'bosId'
  | 'eosId'
  | 'unknownId'
  | 'endIds'
  | 'parsedIds'
  | 'cleanUp'
  | 'stripBesideSpecials'
>

/**
 * Converters of Baichuan and Gemma write user-defined symbols as normal tokens. SentencePiece puts them
 * before the byte tokens, and learned tokens after these, so a normal token there with a score of 0 is one.
 */
function restoreSymbols(metadata: GgufMetadata, types: Uint8Array): void {
  const scores = metadata['tokenizer.ggml.scores']
  const firstByte = types.indexOf(TOKEN.byte)
  if (!Array.isArray(scores)) return
  for (let id = 0; id < firstByte; id++) {
    if (types[id] === TOKEN.normal && scores[id] === 0) types[id] = TOKEN.userDefined
  }
}

function byteLevel(
  metadata: GgufMetadata,
  names: string[],
  types: Uint8Array,
  common: Common,
): TokenizerSource {
  const pre = metadata['tokenizer.ggml.pre']
  if (typeof pre !== 'string') {
    throw new IsletError(
      'unsupported_format',
      'the GGUF file does not name its pre-tokenizer (tokenizer.ggml.pre)',
    )
  }
  checkPreTokenizer(pre)
  if (metadata['tokenizer.ggml.add_space_prefix'] === true) {
    throw new IsletError(
      'unsupported_format',
      'a byte-level tokenizer with add_space_prefix is not supported',
    )
  }
  const ids = new Map(names.map((name, id) => [name, id]))
  const merges = listOf(metadata, 'merges', (value) => typeof value === 'string')
  const qwen = pre === 'qwen2' || pre === 'deepseek-r1-qwen'
  return {
    tokens: names.map((name, id) => byteLevelToken(name, types[id])),
    types,
    ranks: new Uint32Array(0),
    merges: mergeRows(mergePairs(merges), ids),
    settings: {
      ...common,
      algorithm: 'bpe-bytes',
      preTokenizer: pre,
      // GGUF does not record these: Qwen normalises to NFC, LLaMA 3 takes whole tokens before merging.
      normalizer: qwen ? 'nfc' : 'none',
      ignoreMerges: pre === 'llama-bpe',
      dummyPrefix: 'none',
      addBos: flag(metadata, 'add_bos_token', pre === 'llama-bpe'),
    },
  }
}

function sentencePiece(
  metadata: GgufMetadata,
  names: string[],
  types: Uint8Array,
  common: Common,
): TokenizerSource {
  const scores = listOf(metadata, 'scores', (value) => typeof value === 'number') as number[]
  if (scores.length !== names.length) {
    throw new IsletError(
      'invalid_file',
      `tokenizer.ggml.scores has ${scores.length} entries for ${names.length} tokens`,
    )
  }
  const charsmap = metadata['tokenizer.ggml.precompiled_charsmap']
  if (Array.isArray(charsmap) && charsmap.length > 0) {
    throw new IsletError(
      'unsupported_format',
      'a tokenizer with a precompiled character map is not supported',
    )
  }
  return {
    tokens: names.map(sentencePieceToken),
    types,
    ranks: ranksOfScores(scores),
    merges: new Uint32Array(0),
    settings: {
      ...common,
      algorithm: 'bpe-sentencepiece',
      ignoreMerges: false,
      // Converters of Baichuan leave the flag out, and its model has no prefix.
      dummyPrefix: flag(metadata, 'add_space_prefix', metadata['general.architecture'] !== 'baichuan')
        ? 'each'
        : 'none',
      removeExtraSpaces: flag(metadata, 'remove_extra_whitespaces', false),
      addBos: flag(metadata, 'add_bos_token', true),
    },
  }
}

/** Stored bytes of a byte-level token; added tokens are plain text. */
export function byteLevelToken(name: string, type: number): Uint8Array {
  return (type === TOKEN.normal ? bytesOfName(name) : undefined) ?? new TextEncoder().encode(name)
}

/** Stored bytes of a SentencePiece token. */
export function sentencePieceToken(name: string): Uint8Array {
  return new TextEncoder().encode(name.replaceAll('\u2581', ' '))
}

function listOf(metadata: GgufMetadata, key: string, fits: (value: unknown) => boolean): unknown[] {
  const list = metadata[`tokenizer.ggml.${key}`]
  if (!Array.isArray(list) || !list.every(fits)) {
    throw new IsletError('invalid_file', `tokenizer.ggml.${key} is missing or not a list of the right type`)
  }
  return list
}

function typesOf(metadata: GgufMetadata, size: number): Uint8Array {
  if (metadata['tokenizer.ggml.token_type'] === undefined) return new Uint8Array(size).fill(TOKEN.normal)
  const list = listOf(metadata, 'token_type', (value) => Number.isInteger(value)) as number[]
  if (list.length !== size || list.some((type) => type < TOKEN.normal || type > TOKEN.byte)) {
    throw new IsletError(
      'invalid_file',
      `tokenizer.ggml.token_type does not give each of ${size} tokens a type of 1 to 6`,
    )
  }
  return Uint8Array.from(list)
}

function idOf(metadata: GgufMetadata, key: string, size: number): number | undefined {
  const value = metadata[`tokenizer.ggml.${key}`]
  const id = typeof value === 'bigint' ? Number(value) : value
  // Converters write 2^32 - 1 or -1 for "none".
  if (typeof id !== 'number' || id === 0xffffffff || id === -1) return undefined
  if (Number.isInteger(id) && id >= 0 && id < size) return id
  throw new IsletError('invalid_file', `tokenizer.ggml.${key} is ${id}, of ${size} tokens`)
}

function flag(metadata: GgufMetadata, key: string, otherwise: boolean): boolean {
  const value = metadata[`tokenizer.ggml.${key}`]
  return typeof value === 'boolean' ? value : otherwise
}
