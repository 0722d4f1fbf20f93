// A packed tokenizer runs over the arrays of tokenizer.bin: an encoder, a decoder and the names of tokens.

import { atOnce, Budget, type Sliced } from '../lib/sliced.ts'
import { bytesOfName, nameOfBytes } from './byte-map.ts'
import { byteLevelEncoder } from './bpe.ts'
import { nameWhiteSpace, whiteSpaceBytes } from './chatglm.ts'
import { TOKEN, parseTokenizer } from './format.ts'
import type { PlainEncoder, TakePart } from './plain-encoder.ts'
import { sentencePieceEncoder } from './sentencepiece.ts'
import { nameMatcher, splitAtNames, type NameMatcher } from './special.ts'
import { TextStream } from './stream-decoder.ts'
import type { DecodingRules, EncodeOptions, Tokenizer } from './tokenizer.ts'
import { Vocabulary, byteOfToken, isText } from './vocabulary.ts'
import { replaced } from './windows.ts'

/**
 * Opens a tokenizer.bin; the tokenizer works on these bytes, which must not change afterwards.
 * Throws invalid_file or unsupported_format.
 */
export function readTokenizer(file: Uint8Array): Tokenizer {
  return new PackedTokenizer(new Vocabulary(parseTokenizer(file)))
}

class PackedTokenizer implements Tokenizer {
  readonly vocabSize: number
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly addBos: boolean
  readonly endIds: ReadonlySet<number>
  readonly guardedNames: readonly string[]
  readonly decoding: DecodingRules
  readonly #vocabulary: Vocabulary
  readonly #byteLevel: boolean
  readonly #offset: number // ids of this class's methods less this are ids of the vocabulary
  readonly #encodePlain: PlainEncoder
  readonly #named = new Map<string, number>() // control, unknown and user-defined tokens: a few hundred at most
  readonly #anywhere: NameMatcher | undefined // user-defined tokens: part of the text itself, as all originals have it
  readonly #special: NameMatcher | undefined
  readonly #parsed: NameMatcher | undefined // those that the family's own tokenizer reads in text
  readonly #whiteSpace: ReadonlyMap<number, Uint8Array> // tokens whose name is not what they print

  constructor(vocabulary: Vocabulary) {
    const { settings, types } = vocabulary
    this.#vocabulary = vocabulary
    this.#byteLevel = settings.algorithm === 'bpe-bytes'
    this.#offset = settings.idOffset ?? 0
    this.vocabSize = this.#offset + vocabulary.size
    this.bosId = this.#shifted(settings.bosId)
    this.eosId = this.#shifted(settings.eosId)
    this.addBos = settings.addBos && settings.bosId !== undefined
    this.endIds = new Set(settings.endIds.map((id) => id + this.#offset))
    const anywhere = new Map<string, number>()
    const guarded: string[] = []
    for (const id of idsOfTypes(types, [TOKEN.control, TOKEN.unknown, TOKEN.userDefined])) {
      const type = types[id]
      const name = decoder.decode(vocabulary.stored(id))
      if (!this.#named.has(name)) this.#named.set(name, id)
      if (type === TOKEN.userDefined) anywhere.set(name, this.#named.get(name) ?? id)
      else guarded.push(name)
    }
    this.guardedNames = guarded
    const inside = settings.symbolsInside === true
    this.#encodePlain = this.#byteLevel
      ? byteLevelEncoder(vocabulary)
      : sentencePieceEncoder(vocabulary, inside ? anywhere : new Map())
    this.#anywhere = inside ? undefined : nameMatcher([...anywhere.keys()])
    this.#special = nameMatcher(inside ? guarded : [...this.#named.keys()])
    const parsed = settings.parsedIds?.map((id) => decoder.decode(vocabulary.stored(id)))
    this.#parsed = parsed === undefined ? this.#special : nameMatcher(parsed)
    this.#whiteSpace =
      settings.textLayer === 'chatglm' ? whiteSpaceBytes((name) => this.#named.get(name)) : new Map()
    this.decoding = {
      stripLeadingSpace: !this.#byteLevel && (settings.dummyPrefix !== 'none' || settings.removeExtraSpaces),
      stripAllLeading: !this.#byteLevel && settings.removeExtraSpaces,
      cleanUp: settings.cleanUp === true,
      replaceEachByte: !this.#byteLevel,
    }
  }

  encode(text: string, options?: EncodeOptions): number[] {
    return atOnce(this.encodeSliced(text, new Budget(Infinity), options))
  }

  *encodeSliced(text: string, budget: Budget, options: EncodeOptions = {}): Sliced<number[]> {
    const { special, guard, literal = false } = options
    const out: number[] = []
    const pushName = (name: string): undefined => void out.push(this.#named.get(name) ?? 0)
    const encodePlain = (part: string): Sliced<void> =>
      this.#encodePlain(part, out.length === 0, out, literal, budget)
    const encodeWritten = (part: string): Sliced<void> =>
      this.#anywhere === undefined || literal
        ? encodePlain(part)
        : splitAtNames(part, this.#anywhere, encodePlain, pushName, budget)
    const hasOwnSpace = this.#whiteSpace.size > 0
    const pushPlain = function* (part: string): Sliced<void> {
      const clean = guard === undefined ? part : yield* replaced(part, guard, '', budget)
      yield* encodeWritten(hasOwnSpace ? yield* nameWhiteSpace(clean, budget) : clean)
    }
    if (special === 'original') yield* this.#encodeAsOriginal(text, pushPlain, pushName, budget)
    else if (special === true) yield* splitAtNames(text, this.#special, pushPlain, pushName, budget)
    else yield* pushPlain(text)
    if (this.#offset > 0) for (let i = 0; i < out.length; i++) out[i] += this.#offset
    return out
  }

  *#encodeAsOriginal(
    text: string,
    pushPlain: (part: string) => Sliced<void>,
    pushName: TakePart,
    budget: Budget,
  ): Sliced<void> {
    const parts: { text: string; name: boolean }[] = []
    const plain = (part: string): undefined => void parts.push({ text: part, name: false })
    const name = (part: string): undefined => void parts.push({ text: part, name: true })
    yield* splitAtNames(text, this.#parsed, plain, name, budget)
    const strip = this.#vocabulary.settings.stripBesideSpecials === true
    for (const [i, part] of parts.entries()) {
      if (part.name) {
        pushName(part.text)
        continue
      }
      let words = part.text
      if (strip && i > 0) words = words.trimStart()
      if (strip && i + 1 < parts.length) words = words.trimEnd()
      if (words !== '') yield* pushPlain(words)
    }
  }

  tokenBytes(id: number): Uint8Array {
    const row = this.#rowOf(id)
    if (row < 0) return NOTHING
    const type = this.#vocabulary.types[row]
    if (type === TOKEN.control) return NOTHING
    if (type === TOKEN.unknown) return this.#byteLevel ? NOTHING : UNKNOWN_SURFACE
    const stored = this.#vocabulary.stored(row)
    if (type === TOKEN.byte) return Uint8Array.of(byteOfToken(stored))
    return this.#whiteSpace.get(row) ?? stored
  }

  byteAt(id: number, at: number): number {
    const row = this.#rowOf(id)
    if (row < 0) return -1
    if (isText(this.#vocabulary.types[row]) && !this.#whiteSpace.has(row))
      return this.#vocabulary.byteAt(row, at)
    return this.tokenBytes(id)[at] ?? -1
  }

  longestToken(bytes: Uint8Array, start: number): number {
    let longest = this.#vocabulary.byteIds[bytes[start]]
    this.#vocabulary.eachToken(bytes, start, bytes.length, start + 1, (row) => {
      if (!this.#whiteSpace.has(row)) longest = row
    })
    return longest < 0 ? -1 : longest + this.#offset
  }

  idOf(name: string): number | undefined {
    const named = this.#named.get(name)
    if (named !== undefined) return this.#shifted(named)
    const bytes = this.#byteLevel ? bytesOfName(name) : encoder.encode(name.replaceAll('\u2581', ' '))
    const id = bytes === undefined ? -1 : this.#vocabulary.find(bytes, 0, bytes.length)
    return id >= 0 ? this.#shifted(id) : undefined
  }

  nameOf(id: number): string {
    const row = this.#rowOf(id)
    if (row < 0) return ''
    const stored = this.#vocabulary.stored(row)
    if (this.#vocabulary.types[row] !== TOKEN.normal) return decoder.decode(stored)
    return this.#byteLevel ? nameOfBytes(stored) : decoder.decode(stored).replaceAll(' ', '\u2581')
  }

  isSpecial(id: number): boolean {
    const row = this.#rowOf(id)
    return row < 0 || this.#vocabulary.types[row] === TOKEN.control
  }

  decode(ids: readonly number[], options: { special?: boolean } = {}): string {
    const stream = new TextStream(this)
    const named = options.special === true && this.#byteLevel
    let text = ''
    for (const id of ids) text += named ? stream.pushNamed(id) : stream.push(id)
    return text + stream.flush()
  }

  /**
   * The token of an id, -1 for none: models pad their vocabulary, and such an id may be drawn and stands for
   * nothing.
   */
  #rowOf(id: number): number {
    return Number.isInteger(id) && id >= this.#offset && id < this.vocabSize ? id - this.#offset : -1
  }

  #shifted<Id extends number | undefined>(row: Id): Id {
    return (row === undefined ? undefined : row + this.#offset) as Id
  }
}

const NOTHING = new Uint8Array(0)
/** SentencePiece prints its unknown token as U+2047 between spaces. */
const UNKNOWN_SURFACE = Uint8Array.of(0x20, 0xe2, 0x81, 0x87, 0x20)
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const encoder = new TextEncoder()

/** Ids in order; the host looks for them, since this runs in the slow tier while a model loads. */
function idsOfTypes(types: Uint8Array, wanted: readonly number[]): number[] {
  const ids: number[] = []
  for (const type of wanted)
    for (let id = types.indexOf(type); id >= 0; id = types.indexOf(type, id + 1)) ids.push(id)
  return ids.sort((a, b) => a - b)
}
