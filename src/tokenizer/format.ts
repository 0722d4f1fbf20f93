// A tokenizer.bin holds the tables of a tokenizer: packing writes it, and the edge reads it in place. Little
// endian, sections on 8 bytes.

import { IsletError } from '../lib/errors.ts'
import { damageOfCharsmap } from './charsmap.ts'

/** What a token is; the numbers are those of SentencePiece and GGUF. */
export const TOKEN = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

export type TokenizerSettings = {
  algorithm: 'bpe-bytes' | 'bpe-sentencepiece' | 'unigram'
  /** Key of PRE_TOKENIZERS (byte-level only). */
  preTokenizer?: string
  normalizer: 'none' | 'nfc' | 'charsmap'
  /** A piece that is a token as a whole is taken without merging (LLaMA 3). */
  ignoreMerges: boolean
  /** A space put before the text: never, before the first part only, or after every special token too. */
  dummyPrefix: 'none' | 'first' | 'each'
  removeExtraSpaces: boolean
  /** No token has a space after another character, so text can be cut there without changing any id. */
  cutAtSpaces: boolean
  addBos: boolean
  bosId?: number
  eosId?: number
  unknownId?: number
  endIds: number[]
} & LaterSettings

/** Settings of version 2; absent means what version 1 did. */
type LaterSettings = {
  /**
   * User-defined tokens are found in the normalised text, which has one dummy prefix: SentencePiece itself.
   */
  symbolsInside?: boolean
  /** ChatGLM-1 writes newlines, tabs and runs of spaces as names before it normalises. */
  textLayer?: 'chatglm'
  /** Ids that come before the first token of this file (the image tokens of ChatGLM-1). */
  idOffset?: number
  /** The special tokens that the family's own tokenizer reads in text; absent = all. */
  parsedIds?: number[]
  /** White space beside a special token in text goes (transformers' slow tokenizers). */
  stripBesideSpecials?: boolean
  /** Decoding drops spaces before punctuation and contractions (the same). */
  cleanUp?: boolean
}

/** The sections of a file, as views on its bytes. */
export type TokenizerData = {
  settings: TokenizerSettings
  offsets: Uint32Array // (vocab + 1) into bytes
  bytes: Uint8Array // token texts, one after the other
  types: Uint8Array // (vocab) of TOKEN
  table: Uint32Array // (power of two) hash of a token's bytes -> id + 1, 0 = empty; without control tokens
  ranks: Uint32Array // (vocab) or empty: order of merging by the joined token, lowest first
  merges: Uint32Array // (merges, 3) left id, right id, joined id; the row is the rank
  mergeTable: Uint32Array // (power of two) or empty: hash of (left, right) -> row + 1, 0 = empty
  scores: Float32Array // (vocab) or empty: log probabilities (unigram)
  charsmap: Uint8Array // or empty: SentencePiece's precompiled character map as it is
}

export const MAGIC = 0x4b4f5449 // 'ITOK'
/** Version 1 ends with mergeTable. */
export const VERSION = 2
/** Magic, version, length of the settings, number of sections; then (offset, length) of each section. */
export const HEADER_BYTES = 16
export const SECTIONS = [
  'offsets',
  'bytes',
  'types',
  'table',
  'ranks',
  'merges',
  'mergeTable',
  'scores',
  'charsmap',
] as const
export const SECTIONS_OF_VERSION_1 = 7
/** Ranks and positions share one float64 key while merging: 2^20 x 2^31 stays exact. */
export const MAX_IDS = 1 << 20
export const MAX_MERGES = 1 << 21
/** Unigram looks every length up at every character; real pieces stay below 100 bytes. */
export const MAX_PIECE_BYTES = 1024
export const MAX_ID_OFFSET = 1 << 20

export const HASH_START = 0x811c9dc5

/** FNV-1a, one more byte. */
export function hashStep(h: number, byte: number): number {
  return Math.imul(h ^ byte, 0x01000193)
}

/** FNV-1a over bytes[start, end) with a final mix, unsigned. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let h = HASH_START
  for (let i = start; i < end; i++) h = hashStep(h, bytes[i])
  return mixHash(h)
}

/** Hash of a pair of ids, unsigned. */
export function hashPair(left: number, right: number): number {
  return mixHash(Math.imul(left, 0x9e3779b1) ^ Math.imul(right + 0x7f4a7c15, 0x85ebca6b))
}

/** Spreads a hash over its low bits, unsigned. */
export function mixHash(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  return (h ^ (h >>> 15)) >>> 0
}

/**
 * Reads and checks a tokenizer file; the arrays are views on `file` (copied once if it is not aligned to 4).
 * Throws invalid_file for anything that could make a later lookup run outside its array or not end.
 */
export function parseTokenizer(file: Uint8Array): TokenizerData {
  const base = file.byteOffset % 4 === 0 ? file : file.slice()
  if (base.length < HEADER_BYTES) fail(`${base.length} bytes are too few for a header`)
  const view = new DataView(base.buffer, base.byteOffset, base.length)
  if (view.getUint32(0, true) !== MAGIC) fail('it does not start with ITOK')
  const version = view.getUint32(4, true)
  if (version !== 1 && version !== VERSION) {
    throw new IsletError(
      'unsupported_format',
      `tokenizer.bin is version ${version}, this program reads up to ${VERSION}: pack again`,
    )
  }
  const sections = version === 1 ? SECTIONS_OF_VERSION_1 : SECTIONS.length
  const settingsLength = view.getUint32(8, true)
  const settingsStart = HEADER_BYTES + sections * 8
  if (view.getUint32(12, true) !== sections) fail('the number of sections is wrong')
  if (settingsStart + settingsLength > base.length) fail('it ends inside the settings')

  const section = (index: number, width: number): Uint8Array => {
    if (index >= sections) return new Uint8Array(0)
    const offset = view.getUint32(HEADER_BYTES + index * 8, true)
    const length = view.getUint32(HEADER_BYTES + index * 8 + 4, true)
    if (offset % 8 !== 0 || length % width !== 0) fail(`section ${SECTIONS[index]} is not aligned`)
    if (offset < settingsStart + settingsLength || offset + length > base.length) {
      fail(`section ${SECTIONS[index]} (${offset} + ${length}) lies outside of ${base.length} bytes`)
    }
    return base.subarray(offset, offset + length)
  }
  const words = (index: number): Uint32Array => {
    const bytes = section(index, 4)
    return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  }
  const data: TokenizerData = {
    offsets: words(0),
    bytes: section(1, 1),
    types: section(2, 1),
    table: words(3),
    ranks: words(4),
    merges: words(5),
    mergeTable: words(6),
    scores: floatsOf(section(7, 4)),
    charsmap: section(8, 1),
    settings: parseSettings(base.subarray(settingsStart, settingsStart + settingsLength)),
  }
  checkData(data)
  return data
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

function parseSettings(bytes: Uint8Array): TokenizerSettings {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw new IsletError('invalid_file', 'tokenizer.bin: the settings are not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null) fail('the settings are not an object')
  return value as TokenizerSettings
}

function checkData(data: TokenizerData): void {
  const { offsets, types, merges } = data
  const vocab = types.length
  if (vocab === 0 || vocab > MAX_IDS) fail(`${vocab} tokens; 1 to ${MAX_IDS} are allowed`)
  if (offsets.length !== vocab + 1 || offsets[0] !== 0) fail('the offsets do not fit the tokens')
  for (let id = 0; id < vocab; id++) {
    if (offsets[id + 1] < offsets[id]) fail(`token ${id} has a negative length`)
    if (types[id] < TOKEN.normal || types[id] > TOKEN.byte) fail(`token ${id} has type ${types[id]}`)
  }
  if (offsets[vocab] !== data.bytes.length) fail('the offsets do not end with the token bytes')
  if (data.ranks.length !== 0 && data.ranks.length !== vocab) fail('the ranks do not fit the tokens')
  if (largest(data.ranks) > MAX_IDS) fail(`rank ${largest(data.ranks)} is too large`)
  const rows = merges.length / 3
  if (!Number.isInteger(rows) || rows > MAX_MERGES) fail(`${merges.length} merge entries`)
  if (rows > 0 && largest(merges) >= vocab) fail(`a merge names token ${largest(merges)} of ${vocab}`)
  checkTable(data.table, vocab, 'table')
  if (rows > 0 || data.mergeTable.length > 0) checkTable(data.mergeTable, rows, 'mergeTable')

  if (data.scores.length !== 0 && data.scores.length !== vocab) fail('the scores do not fit the tokens')
  const damage = data.charsmap.length > 0 ? damageOfCharsmap(data.charsmap) : undefined
  if (damage !== undefined) fail(damage)
  checkSettings(data, rows)
}

function checkSettings(
  { settings, types, offsets, ranks, scores, charsmap }: TokenizerData,
  rows: number,
): void {
  const vocab = types.length
  const { algorithm, endIds, idOffset = 0, parsedIds = [] } = settings
  if (algorithm === 'bpe-bytes') {
    if (rows === 0 && ranks.length === 0 && vocab > 512) fail('a byte-level vocabulary without merges')
  } else if (algorithm === 'bpe-sentencepiece') {
    if (rows === 0 && ranks.length === 0) fail('neither ranks nor merges')
  } else if (algorithm === 'unigram') {
    if (scores.length === 0) fail('a unigram vocabulary without scores')
    for (let id = 0; id < vocab; id++) {
      if (offsets[id + 1] - offsets[id] > MAX_PIECE_BYTES)
        fail(`token ${id} is longer than ${MAX_PIECE_BYTES} bytes`)
      if (!Number.isFinite(scores[id])) fail(`token ${id} has no finite score`)
    }
  } else fail(`algorithm ${JSON.stringify(algorithm)}`)
  if (settings.normalizer === 'charsmap' && charsmap.length === 0) fail('no character map')
  if (!Array.isArray(endIds)) fail('the settings have no end ids')
  if (!Array.isArray(parsedIds)) fail('the ids parsed in text are no list')
  if (!Number.isInteger(idOffset) || idOffset < 0 || idOffset > MAX_ID_OFFSET)
    fail(`an id offset of ${idOffset}`)
  for (const id of [settings.bosId, settings.eosId, settings.unknownId, ...endIds, ...parsedIds]) {
    if (id !== undefined && !(Number.isInteger(id) && id >= 0 && id < vocab))
      fail(`id ${id} of ${vocab} tokens`)
  }
}

/** A probe ends at an empty slot, so there must be one. */
function checkTable(table: Uint32Array, rows: number, name: string): void {
  const size = table.length
  if (size === 0 || (size & (size - 1)) !== 0) fail(`${name} has ${size} slots, not a power of two`)
  if (largest(table) > rows) fail(`${name} names row ${largest(table) - 1} of ${rows}`)
  if (!table.includes(0)) fail(`${name} has no empty slot`)
}

/** Indexed, because this runs in the slow tier while a model loads. */
function largest(values: Uint32Array): number {
  let most = 0
  for (let i = 0; i < values.length; i++) if (values[i] > most) most = values[i]
  return most
}

function fail(what: string): never {
  throw new IsletError('invalid_file', `tokenizer.bin is damaged: ${what}; pack the model again`)
}
