// This file builds tokenizer.bin from a tokenizer source. The tables that the edge looks up are made here,
// once.

import { IsletError } from '../lib/errors.ts'
import {
  HEADER_BYTES,
  MAGIC,
  MAX_MERGES,
  MAX_IDS,
  SECTIONS,
  SECTIONS_OF_VERSION_1,
  TOKEN,
  VERSION,
  hashBytes,
  hashPair,
  parseTokenizer,
} from '../tokenizer/format.ts'
import { BLANK_NAMES } from '../tokenizer/chatglm.ts'
import type { TokenizerSettings } from '../tokenizer/format.ts'

/** A tokenizer as read from a checkpoint, before packing. */
export type TokenizerSource = {
  /**
   * Bytes of each token by id: byte maps undone, U+2581 written as a space, byte tokens by name (`<0x0A>`).
   */
  tokens: Uint8Array[]
  types: Uint8Array // (vocab) of TOKEN
  ranks: Uint32Array // (vocab) or empty
  merges: Uint32Array // (merges, 3) left, right, joined
  scores?: Float32Array // (vocab) for unigram
  charsmap?: Uint8Array
  settings: TokenizerSettings
  /** The file that it was read from, for messages. */
  file?: string
}

/** Tokens that end a turn in any family, known by name. */
export const END_OF_TURN_NAMES = ['<|im_end|>', '<|endoftext|>', '<|eot_id|>', '<end_of_turn>']

/**
 * Added tokens that a turn is made of, whatever type the file gives them: `<|im_start|>`, `<start_of_turn>`.
 */
const MARK = /^<(\|.*\||(start|end)_of_\w+)>$/

/** The bytes of tokenizer.bin. Throws invalid_file if the source does not hold together. */
export function writeTokenizer(source: TokenizerSource): Uint8Array {
  const vocab = source.tokens.length
  if (vocab === 0 || vocab > MAX_IDS) {
    throw new IsletError('invalid_file', `the tokenizer has ${vocab} tokens; 1 to ${MAX_IDS} are allowed`)
  }
  const offsets = new Uint32Array(vocab + 1)
  source.tokens.forEach((token, id) => (offsets[id + 1] = offsets[id] + token.length))
  const bytes = new Uint8Array(offsets[vocab])
  source.tokens.forEach((token, id) => bytes.set(token, offsets[id]))

  const settings = { ...source.settings, cutAtSpaces: canCutAtSpaces(source) }
  const sections = {
    offsets,
    bytes,
    types: source.types,
    table: tokenTable(source),
    ranks: source.ranks,
    merges: source.merges,
    mergeTable: mergeTable(source.merges),
    scores: source.scores ?? new Float32Array(0),
    charsmap: source.charsmap ?? new Uint8Array(0),
  }
  const file = join(sections, new TextEncoder().encode(JSON.stringify(settings)), versionOf(source))
  checkFile(file)
  return file
}

/**
 * What would be refused at the edge is refused here; the file that is at fault is not the one that was just
 * made.
 */
function checkFile(file: Uint8Array): void {
  try {
    parseTokenizer(file)
  } catch (error) {
    if (!(error instanceof IsletError)) throw error
    const what = error.message
      .replace(/^tokenizer\.bin is damaged: /, '')
      .replace(/; pack the model again$/, '')
    throw new IsletError(error.code, `the tokenizer does not hold together: ${what}`, { cause: error })
  }
}

function join(
  sections: Record<(typeof SECTIONS)[number], Uint8Array | Uint32Array | Float32Array>,
  settings: Uint8Array,
  version: number,
): Uint8Array {
  const names = version === 1 ? SECTIONS.slice(0, SECTIONS_OF_VERSION_1) : SECTIONS
  let end = align(HEADER_BYTES + names.length * 8 + settings.length)
  const starts = names.map((name) => {
    const start = end
    end = align(start + sections[name].byteLength)
    return start
  })
  const file = new Uint8Array(end)
  const view = new DataView(file.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, version, true)
  view.setUint32(8, settings.length, true)
  view.setUint32(12, names.length, true)
  file.set(settings, HEADER_BYTES + names.length * 8)
  names.forEach((name, index) => {
    const part = sections[name]
    view.setUint32(HEADER_BYTES + index * 8, starts[index], true)
    view.setUint32(HEADER_BYTES + index * 8 + 4, part.byteLength, true)
    file.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), starts[index])
  })
  return file
}

/** Version 1 where it says all: such files stay as they have always been, byte for byte. */
function versionOf({ settings, ranks }: TokenizerSource): number {
  const { symbolsInside, textLayer, idOffset, parsedIds, stripBesideSpecials, cleanUp } = settings
  const later = [symbolsInside, textLayer, idOffset, parsedIds, stripBesideSpecials, cleanUp]
  const rankedBytes = settings.algorithm === 'bpe-bytes' && ranks.length > 0
  const said = settings.algorithm !== 'unigram' && settings.normalizer !== 'charsmap' && !rankedBytes
  return said && later.every((setting) => setting === undefined) ? 1 : VERSION
}

function align(offset: number): number {
  return Math.ceil(offset / 8) * 8
}

/** Slots: a power of two, at most three quarters full: memory counts for more here than a longer probe. */
function slots(rows: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, rows * 1.3)))
}

/** Tokens that text can become go in first, so that a duplicate of another type never hides them. */
function tokenTable({ tokens, types }: TokenizerSource): Uint32Array {
  const table = new Uint32Array(slots(tokens.length))
  const mask = table.length - 1
  const probe = probes(tokens.length)
  const insert = (id: number): void => {
    const token = tokens[id]
    let slot = hashBytes(token, 0, token.length) & mask
    while (table[slot] !== 0) {
      probe()
      if (sameBytes(tokens[table[slot] - 1], token)) return
      slot = (slot + 1) & mask
    }
    table[slot] = id + 1
  }
  const later: number[] = []
  tokens.forEach((_token, id) => {
    if (types[id] === TOKEN.normal) insert(id)
    else if (types[id] === TOKEN.userDefined || types[id] === TOKEN.byte) later.push(id)
  })
  later.forEach(insert)
  return table
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function mergeTable(merges: Uint32Array): Uint32Array {
  const rows = merges.length / 3
  if (rows === 0) return new Uint32Array(0)
  const table = new Uint32Array(slots(rows))
  const mask = table.length - 1
  const probe = probes(rows)
  for (let row = 0; row < rows; row++) {
    let slot = hashPair(merges[3 * row], merges[3 * row + 1]) & mask
    while (table[slot] !== 0) {
      probe()
      slot = (slot + 1) & mask
    }
    table[slot] = row + 1
  }
  return table
}

/**
 * Counts the slots that are looked at in vain, three a row for honest rows: names made to meet in one slot
 * would take the square of their number here, and again at every look at the edge.
 */
function probes(rows: number): () => void {
  let left = 65_536 + 16 * rows
  return () => {
    if (--left < 0) throw new IsletError('invalid_file', 'too many tokens or merges have the same hash')
  }
}

function canCutAtSpaces({ tokens, types, settings }: TokenizerSource): boolean {
  if (settings.algorithm === 'bpe-bytes') return false
  return !tokens.some(
    (token, id) =>
      (types[id] === TOKEN.normal || types[id] === TOKEN.userDefined) &&
      token.some((byte, i) => i > 0 && byte === 0x20 && token[i - 1] !== 0x20),
  )
}

/**
 * (merges, 3) from pairs of names. Throws invalid_file for a merge of tokens that do not exist, or one that
 * comes twice: programs differ in which of them counts.
 */
export function mergeRows(
  pairs: Iterable<readonly [string, string]>,
  ids: ReadonlyMap<string, number>,
): Uint32Array {
  const rows: number[] = []
  const seen = new Set<number>()
  for (const [left, right] of pairs) {
    const [a, b, joined] = [ids.get(left), ids.get(right), ids.get(left + right)]
    if (a === undefined || b === undefined || joined === undefined) {
      throw new IsletError(
        'invalid_file',
        `the merge ${JSON.stringify([left, right]).slice(0, 200)} names a token that is not in the vocabulary`,
      )
    }
    const pair = a * MAX_IDS + b
    if (seen.has(pair)) {
      throw new IsletError(
        'invalid_file',
        `the merge ${JSON.stringify([left, right]).slice(0, 200)} comes twice`,
      )
    }
    if (seen.size === MAX_MERGES) throw new IsletError('invalid_file', `more than ${MAX_MERGES} merges`)
    seen.add(pair)
    rows.push(a, b, joined)
  }
  return Uint32Array.from(rows)
}

/**
 * Merges as files write them, a text or a list of two; one at a time, since a million pairs take a hundred
 * megabytes.
 */
export function* mergePairs(merges: readonly unknown[]): Generator<[string, string]> {
  for (const merge of merges) {
    if (Array.isArray(merge) && merge.length === 2) yield [String(merge[0]), String(merge[1])]
    else yield mergePair(merge)
  }
}

/** `left right` as a pair; the names themselves have no space (byte maps and U+2581 see to it). */
function mergePair(text: unknown): [string, string] {
  const at = typeof text === 'string' ? text.indexOf(' ', 1) : -1
  if (typeof text !== 'string' || at < 0) {
    throw new IsletError(
      'invalid_file',
      `the merge ${String(JSON.stringify(text)).slice(0, 200)} is not two tokens with a space between them`,
    )
  }
  return [text.slice(0, at), text.slice(at + 1)]
}

/** Ranks from SentencePiece scores: the highest score is 0, equal scores share a rank. */
export function ranksOfScores(scores: ArrayLike<number>): Uint32Array {
  const distinct = [...new Set(Array.from(scores))].toSorted((a, b) => b - a)
  const rankOf = new Map(distinct.map((score, rank) => [score, rank]))
  return Uint32Array.from(scores, (score) => rankOf.get(score) ?? 0)
}

/**
 * `invalid_file` for a name of two tokens: which of them a text becomes would be chance. Unused and nameless
 * ones are exempt.
 */
export function checkNames(names: readonly string[], types: Uint8Array): void {
  const seen = new Map<string, number>()
  names.forEach((name, id) => {
    if (name === '' || types[id] === TOKEN.unused) return
    const first = seen.get(name)
    if (first !== undefined)
      throw new IsletError(
        'invalid_file',
        `tokens ${first} and ${id} have one name, ${JSON.stringify(name.slice(0, 60))}`,
      )
    seen.set(name, id)
  })
}

/**
 * Settles types by name: tokens that end a turn and added tokens that look like marks (`<|im_start|>`) are
 * control tokens whatever the file says, so that user text can never become one. Returns the ids that end a
 * generation.
 */
export function settleSpecials(
  names: readonly string[],
  types: Uint8Array,
  ends: readonly (number | undefined)[],
): number[] {
  const endIds = new Set(ends.filter((id) => id !== undefined && id >= 0 && id < names.length) as number[])
  const blanks = new Set(BLANK_NAMES)
  names.forEach((name, id) => {
    if (END_OF_TURN_NAMES.includes(name)) endIds.add(id)
    if (types[id] === TOKEN.userDefined && MARK.test(name) && !blanks.has(name)) types[id] = TOKEN.control
  })
  for (const id of endIds) if (types[id] !== TOKEN.byte) types[id] = TOKEN.control
  return [...endIds].toSorted((a, b) => a - b)
}
