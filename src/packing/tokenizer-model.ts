// This file reads SentencePiece's `tokenizer.model`, a protobuf, of which a few fields are needed. The schema
// is sentencepiece_model.proto.

import { IsletError } from '../lib/errors.ts'
import { MAX_IDS, TOKEN } from '../tokenizer/format.ts'

export type SentencePieceModel = {
  kind: 'bpe' | 'unigram'
  pieces: { name: string; score: number; type: number }[]
  addDummyPrefix: boolean
  removeExtraSpaces: boolean
  /** The precompiled character map of the normaliser, empty for identity. */
  charsmap: Uint8Array
  unknownId: number
  bosId: number
  eosId: number
}

type Field = { number: number; value: number; bytes: Uint8Array }

/** Reads a model; throws unsupported_format for word and character models. */
export function readSentencePieceModel(file: Uint8Array): SentencePieceModel {
  const model: SentencePieceModel = {
    kind: 'bpe',
    pieces: [],
    charsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraSpaces: true,
    unknownId: 0,
    bosId: 1,
    eosId: 2,
  }
  let modelType = 1 // unigram is the default of the format
  for (const field of fields(file)) {
    if (field.number === 1) {
      if (model.pieces.length === MAX_IDS) throw damaged(`more than ${MAX_IDS} pieces`)
      model.pieces.push(readPiece(field.bytes))
    } else if (field.number === 2) {
      for (const { number, value } of fields(field.bytes)) {
        if (number === 3) modelType = value
        if (number === 24 && value !== 0) throw unsupported('spaces as suffixes')
        if (number === 40) model.unknownId = value
        if (number === 41) model.bosId = value
        if (number === 42) model.eosId = value
      }
    } else if (field.number === 3) {
      for (const { number, value, bytes } of fields(field.bytes)) {
        if (number === 2) model.charsmap = bytes
        if (number === 3) model.addDummyPrefix = value !== 0
        if (number === 4) model.removeExtraSpaces = value !== 0
        if (number === 5 && value === 0) throw unsupported('spaces that are not escaped')
      }
    }
  }
  if (modelType !== 1 && modelType !== 2)
    throw unsupported(`model type ${MODEL_TYPES[modelType] ?? modelType} (BPE and unigram are read)`)
  model.kind = modelType === 1 ? 'unigram' : 'bpe'
  if (model.pieces.length === 0) throw damaged('it has no pieces')
  return model
}

const MODEL_TYPES: Readonly<Record<number, string>> = { 3: 'word', 4: 'character' }

function readPiece(message: Uint8Array): { name: string; score: number; type: number } {
  const piece = { name: '', score: 0, type: TOKEN.normal as number }
  for (const { number, value, bytes } of fields(message)) {
    if (number === 1) piece.name = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes)
    if (number === 2 && bytes.length === 4)
      piece.score = new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true)
    if (number === 3) piece.type = value
  }
  if (piece.type < TOKEN.normal || piece.type > TOKEN.byte) throw damaged(`a piece has type ${piece.type}`)
  return piece
}

/** The fields of a message in order: varints in `value` (as signed 32 bits), everything else in `bytes`. */
function* fields(message: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= message.length) throw damaged('it ends inside a number')
      const byte = message[at++]
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw damaged('a number is longer than ten bytes')
  }
  const take = (length: number): Uint8Array => {
    if (length < 0 || at + length > message.length)
      throw damaged(`a field of ${length} bytes runs past the end`)
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = varint()
    const field: Field = { number: tag >>> 3, value: 0, bytes: message.subarray(0, 0) }
    const wire = tag & 7
    if (wire === 0) field.value = varint()
    else if (wire === 1) field.bytes = take(8)
    else if (wire === 2) field.bytes = take(varint())
    else if (wire === 5) field.bytes = take(4)
    else throw damaged(`field type ${wire}`)
    yield field
  }
}

function damaged(what: string): IsletError {
  return new IsletError('invalid_file', `the SentencePiece model is damaged: ${what}`)
}

function unsupported(what: string): IsletError {
  return new IsletError('unsupported_format', `the SentencePiece model uses ${what}, which is not supported`)
}
