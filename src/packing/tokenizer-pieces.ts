// This file turns a SentencePiece model into a tokenizer source. The model is `tokenizer.model`, or
// ChatGLM-1's `ice_text.model`.

import { IsletError } from '../lib/errors.ts'
import { sentencePieceToken } from './tokenizer-gguf.ts'
import { readSentencePieceModel } from './tokenizer-model.ts'
import { ranksOfScores } from './tokenizer-write.ts'
import type { TokenizerSource } from './tokenizer-write.ts'
import { TOKEN } from '../tokenizer/format.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The source and the names by id. `config` is tokenizer_config.json, `model` config.json; both may be empty.
 */
export function tokenizerFromPieces(
  file: Uint8Array,
  config: Json,
  model: Json,
): { source: TokenizerSource; names: string[] } {
  const { pieces, kind, charsmap, ...spec } = readSentencePieceModel(file)
  const known = (id: number): number | undefined => {
    if (id < pieces.length) return id >= 0 ? id : undefined // -1 is none
    throw new IsletError('invalid_file', `a special id is ${id}, of ${pieces.length} pieces`)
  }
  const names = pieces.map((piece) => piece.name)
  const types = Uint8Array.from(pieces, (piece) => piece.type)
  const scores = Float32Array.from(pieces, (piece) => piece.score)
  const named = config.tokenizer_class ?? model.tokenizer_class
  return {
    names,
    source: {
      tokens: names.map(sentencePieceToken),
      types,
      ranks: kind === 'bpe' ? ranksOfScores(scores) : new Uint32Array(0),
      merges: new Uint32Array(0),
      ...(kind === 'unigram' && { scores }),
      ...(charsmap.length > 0 && { charsmap }),
      settings: {
        algorithm: kind === 'bpe' ? 'bpe-sentencepiece' : 'unigram',
        normalizer: charsmap.length > 0 ? 'charsmap' : 'none',
        ignoreMerges: false,
        dummyPrefix: !spec.addDummyPrefix ? 'none' : config.legacy === false ? 'first' : 'each',
        removeExtraSpaces: spec.removeExtraSpaces,
        cutAtSpaces: false,
        addBos: addsBos(named, model.model_type),
        bosId: known(spec.bosId),
        eosId: known(spec.eosId),
        unknownId: known(spec.unknownId),
        endIds: [],
        ...(types.includes(TOKEN.userDefined) && { symbolsInside: true }),
        ...(/^baichuan/i.test(String(named ?? model.model_type)) && { stripBesideSpecials: true }),
      },
    },
  }
}

/**
 * Tokenizer classes differ in their default; those that add none (Baichuan, ChatGLM) have their own names.
 */
function addsBos(tokenizerClass: unknown, modelType: unknown): boolean {
  if (typeof tokenizerClass === 'string') return /^(Code)?(Llama|Gemma)Tokenizer/.test(tokenizerClass)
  return modelType !== 'baichuan' && modelType !== 'chatglm'
}
