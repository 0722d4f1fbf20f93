// The tokenizer that the edge runs: the arrays of tokenizer.bin, an encoder for plain text, and the names of tokens.

import { bytesOfName, nameOfBytes } from './byte-map.ts'
import { byteLevelEncoder } from './bpe.ts'
import { TOKEN, parseTokenizer } from './format.ts'
import { sentencePieceEncoder } from './sentencepiece.ts'
import { nameMatcher, splitAtNames } from './special.ts'
import { TextStream } from './stream-decoder.ts'
import type { DecodingRules, EncodeOptions, Tokenizer } from './tokenizer.ts'
import { Vocabulary, byteOfToken } from './vocabulary.ts'

/** Appends the ids of text without special tokens; `first` where nothing stands before it. */
export type PlainEncoder = (text: string, first: boolean, out: number[]) => void

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
  readonly #encodePlain: PlainEncoder
  readonly #named = new Map<string, number>() // control, unknown and user-defined tokens: a few hundred at most
  readonly #anywhere: RegExp | undefined // user-defined tokens: part of the text itself, as all originals have it
  readonly #special: RegExp | undefined

  constructor(vocabulary: Vocabulary) {
    const { settings, types } = vocabulary
    this.#vocabulary = vocabulary
    this.#byteLevel = settings.algorithm === 'bpe-bytes'
    this.#encodePlain = this.#byteLevel ? byteLevelEncoder(vocabulary) : sentencePieceEncoder(vocabulary)
    this.vocabSize = vocabulary.size
    this.bosId = settings.bosId
    this.eosId = settings.eosId
    this.addBos = settings.addBos && settings.bosId !== undefined
    this.endIds = new Set(settings.endIds)
    const anywhere: string[] = []
    const guarded: string[] = []
    for (let id = 0; id < types.length; id++) {
      const type = types[id]
      if (type !== TOKEN.control && type !== TOKEN.unknown && type !== TOKEN.userDefined) continue
      const name = decoder.decode(vocabulary.stored(id))
      if (!this.#named.has(name)) this.#named.set(name, id)
      if (type === TOKEN.userDefined) anywhere.push(name)
      else guarded.push(name)
    }
    this.guardedNames = guarded
    this.#anywhere = nameMatcher(anywhere)
    this.#special = nameMatcher([...this.#named.keys()])
    this.decoding = {
      stripLeadingSpace: !this.#byteLevel && settings.dummyPrefix !== 'none',
      replaceEachByte: !this.#byteLevel,
    }
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    const out: number[] = []
    const pushName = (name: string): void => void out.push(this.#named.get(name) ?? 0)
    const pushPlain = (part: string): void => {
      const clean = options.guard === undefined ? part : part.replaceAll(options.guard, '')
      if (this.#anywhere === undefined) return this.#encodePlain(clean, out.length === 0, out)
      splitAtNames(
        clean,
        this.#anywhere,
        (plain) => this.#encodePlain(plain, out.length === 0, out),
        pushName,
      )
    }
    if (options.special === true) splitAtNames(text, this.#special, pushPlain, pushName)
    else pushPlain(text)
    return out
  }

  tokenBytes(id: number): Uint8Array {
    if (!this.#exists(id)) return NOTHING
    const type = this.#vocabulary.types[id]
    if (type === TOKEN.control) return NOTHING
    if (type === TOKEN.unknown) return this.#byteLevel ? NOTHING : UNKNOWN_SURFACE
    const stored = this.#vocabulary.stored(id)
    return type === TOKEN.byte ? Uint8Array.of(byteOfToken(stored)) : stored
  }

  idOf(name: string): number | undefined {
    const named = this.#named.get(name)
    if (named !== undefined) return named
    const bytes = this.#byteLevel ? bytesOfName(name) : encoder.encode(name.replaceAll('\u2581', ' '))
    const id = bytes === undefined ? -1 : this.#vocabulary.find(bytes, 0, bytes.length)
    return id >= 0 ? id : undefined
  }

  nameOf(id: number): string {
    if (!this.#exists(id)) return ''
    const stored = this.#vocabulary.stored(id)
    if (this.#vocabulary.types[id] !== TOKEN.normal) return decoder.decode(stored)
    return this.#byteLevel ? nameOfBytes(stored) : decoder.decode(stored).replaceAll(' ', '\u2581')
  }

  isSpecial(id: number): boolean {
    return !this.#exists(id) || this.#vocabulary.types[id] === TOKEN.control
  }

  decode(ids: readonly number[]): string {
    const stream = new TextStream(this)
    let text = ''
    for (const id of ids) text += stream.push(id)
    return text + stream.flush()
  }

  /** Models pad their vocabulary: an id past the tokens may be drawn and stands for nothing. */
  #exists(id: number): boolean {
    return Number.isInteger(id) && id >= 0 && id < this.vocabSize
  }
}

const NOTHING = new Uint8Array(0)
/** SentencePiece prints its unknown token as U+2047 between spaces. */
const UNKNOWN_SURFACE = Uint8Array.of(0x20, 0xe2, 0x81, 0x87, 0x20)
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const encoder = new TextEncoder()
