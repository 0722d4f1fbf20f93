// A vocabulary file keeps a choice of ids, so that one who packs needs none of the texts that chose them.

import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { IsletError } from '../../lib/errors.ts'
import { parseTokenizer } from '../../tokenizer/format.ts'
import { fileSha256 } from '../file-sha256.ts'
import type { ModelSource } from '../source.ts'
import { tokenizerOf, type Choice } from './choice.ts'

const FORMAT = 'islet-vocabulary'

type VocabularyFile = Omit<Choice, 'kept'> & {
  format: typeof FORMAT
  version: 1
  /** SHA-256 of the whole vocabulary's texts and types: ids are numbers of this one alone. */
  vocabulary: string
  of: number
  count: number
  /** A bit for each id, the lowest first, set where it is kept; deflated, in base64. */
  ids: string
}

/** The text of a vocabulary file. */
export async function writeVocabulary(source: ModelSource, { kept, ...choice }: Choice): Promise<string> {
  const { sha256, of } = await vocabularyOf(source)
  const bits = new Uint8Array(Math.ceil(of / 8))
  for (const id of kept) bits[id >> 3] |= 1 << (id & 7)
  const ids = deflateRawSync(bits, { level: 9 }).toString('base64')
  const file: VocabularyFile = {
    format: FORMAT,
    version: 1,
    vocabulary: sha256,
    of,
    count: kept.length,
    ...choice,
    ids,
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** True for the text of a vocabulary file, whatever else is wrong with it. */
export function isVocabularyFile(text: string): boolean {
  return /^\s*\{\s*"format":\s*"islet-vocabulary"/.test(text)
}

/** The choice in a vocabulary file; `invalid_file` where it is damaged or of another vocabulary. */
export async function readVocabulary(source: ModelSource, text: string): Promise<Choice> {
  const { format, version, vocabulary, count, profile, lost, ids } = parse(text)
  if (format !== FORMAT || version !== 1)
    throw new IsletError(
      'unsupported_format',
      'the vocabulary file is of another version: choose the ids again',
    )
  const { sha256, of } = await vocabularyOf(source)
  if (vocabulary !== sha256) fail(`is of another vocabulary than that of ${source.name}`)
  const bits = inflated(ids, Math.ceil(of / 8))
  const kept = Uint32Array.from({ length: of }, (_, id) => id).filter((id) => (bits[id >> 3] >> (id & 7)) & 1)
  if (kept.length !== count) fail(`has ${kept.length} ids and says ${count}`)
  return { profile, kept, lost }
}

function parse(text: string): VocabularyFile {
  try {
    return JSON.parse(text) as VocabularyFile
  } catch (cause) {
    throw new IsletError('invalid_file', 'the vocabulary file is not JSON', { cause })
  }
}

function inflated(ids: unknown, length: number): Uint8Array {
  try {
    const bits = inflateRawSync(
      Uint8Array.from(atob(String(ids)), (char) => char.charCodeAt(0)),
      { maxOutputLength: length },
    )
    if (bits.length === length) return bits
  } catch {
    // said below
  }
  return fail('is damaged')
}

async function vocabularyOf(source: ModelSource): Promise<{ sha256: string; of: number }> {
  const { offsets, bytes, types } = parseTokenizer(await tokenizerOf(source))
  const hash = fileSha256()
  for (const part of [offsets, bytes, types])
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  return { sha256: hash.hex(), of: types.length }
}

function fail(what: string): never {
  throw new IsletError('invalid_file', `the vocabulary file ${what}`)
}
