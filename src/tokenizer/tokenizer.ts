// This interface is what the rest of the program knows of a tokenizer. packed.ts implements it.

import type { Budget, Sliced } from '../lib/sliced.ts'

export type EncodeOptions = {
  /**
   * Special tokens written in the text become their ids; otherwise they are plain text. 'original': as the
   * family's own tokenizer reads them, which may know only some (ChatGLM3: role tokens) or drop white space
   * beside them (Baichuan).
   */
  special?: boolean | 'original'
  /**
   * User-defined tokens, which the originals find in any text, stay text too (Baichuan's roles are such
   * tokens).
   */
  literal?: boolean
  /**
   * A character taken out of the text once special tokens have been found: chat/prompt-ids.ts breaks names
   * with it.
   */
  guard?: string
}

/** How ids become text where the originals differ; absent means the rules of byte-level tokenizers. */
export type DecodingRules = {
  /** The first token loses the space that the tokenizer puts before every text (SentencePiece). */
  stripLeadingSpace: boolean
  /** So do those after it until something is printed, where the tokenizer removes extra spaces. */
  stripAllLeading: boolean
  /** Spaces before punctuation and contractions go (transformers' clean_up_tokenization_spaces). */
  cleanUp?: boolean
  /** U+FFFD for every invalid byte (SentencePiece), not for each maximal part of a character. */
  replaceEachByte: boolean
}

export interface Tokenizer {
  readonly vocabSize: number
  readonly bosId: number | undefined
  readonly eosId?: number | undefined
  /** From the file's own flag: a prompt starts with BOS unless the rendered text already printed it. */
  readonly addBos: boolean
  /** Ids that end a generation: eos and the end-of-turn tokens. */
  readonly endIds: ReadonlySet<number>
  /** Names that must never become tokens when they stand in text that a user wrote. */
  readonly guardedNames?: readonly string[]
  readonly decoding?: DecodingRules
  /** Text to ids, without BOS. `special` true: special tokens written in the text become their ids. */
  encode(text: string, options?: EncodeOptions): number[]
  /** The same ids, in slices of the budget, which several texts may share. */
  encodeSliced(text: string, budget: Budget, options?: EncodeOptions): Sliced<number[]>
  /** The bytes a token stands for when printed; special tokens are empty. */
  tokenBytes(id: number): Uint8Array
  /** Of the same bytes the one at a place, -1 behind the last; makes no object. */
  byteAt(id: number, at: number): number
  /** The longest token of plain text, or else a byte's own, that prints `bytes` from `start` on; -1 for none. */
  longestToken(bytes: Uint8Array, start: number): number
  /** The id of a token given by its exact name, special ones too. */
  idOf(name: string): number | undefined
  nameOf(id: number): string
  isSpecial(id: number): boolean
  /**
   * `special`: special tokens print their names where the family's own tokenizer prints them (byte-level ones
   * do).
   */
  decode(ids: readonly number[], options?: { special?: boolean }): string
}
