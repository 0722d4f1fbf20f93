// This file checks what @huggingface/gguf read from a header against the file itself. Table in, table out; no
// I/O.

import { IsletError } from '../lib/errors.ts'
import { BLOCKS, type TensorType, typeOfGgml } from './dtype.ts'
import { MAX_TENSORS } from './limits.ts'
import type { StoredTensor } from './safetensors.ts'

/** The part of the parser's answer that is used here. */
export type ParsedGguf = {
  metadata: object
  tensorInfos: readonly { name: string; shape: readonly bigint[]; dtype: number; offset: bigint }[]
  tensorDataOffset: bigint
  littleEndian: boolean
  tensorInfoByteRange: readonly [number, number]
}

/** Metadata of a GGUF file by key; `get` is undefined for absent keys, bigints become numbers. */
export type Metadata = { get(key: string): unknown }

/** Reads keys without touching the object's prototype: keys come from the file. */
export function metadataOf(parsed: ParsedGguf): Metadata {
  const values = new Map<string, unknown>(Object.entries(parsed.metadata))
  return {
    get(key) {
      const value = values.get(key)
      return typeof value === 'bigint' ? Number(value) : value
    },
  }
}

/**
 * The tensors of a file of `fileSize` bytes. Shapes are slowest first (the file has them the other way
 * round). Every tensor lies inside the file, starts at the file's alignment, has a name of its own and
 * overlaps no other, else `invalid_file`; big-endian files and types we do not read are `unsupported_format`.
 */
export function ggufTensors(parsed: ParsedGguf, fileSize: number): StoredTensor[] {
  if (!parsed.littleEndian) throw unsupported('it is big-endian; little-endian files are read')
  if (parsed.tensorInfoByteRange[1] > fileSize) throw invalid('the header is cut off')
  if (parsed.tensorInfos.length > MAX_TENSORS) {
    throw invalid(`${parsed.tensorInfos.length} tensors, at most ${MAX_TENSORS}`)
  }
  const alignment = alignmentOf(parsed)
  const names = new Set<string>()
  const tensors = parsed.tensorInfos.map((info) => {
    if (names.has(info.name)) throw invalid(`two tensors are called ${info.name}`)
    names.add(info.name)
    return storedTensor(info, Number(parsed.tensorDataOffset), alignment, fileSize)
  })
  tensors.sort((a, b) => a.offset - b.offset)
  for (let i = 1; i < tensors.length; i++) {
    const [before, after] = [tensors[i - 1], tensors[i]]
    if (before.offset + before.length > after.offset) {
      throw invalid(`tensors ${before.name} and ${after.name} overlap`)
    }
  }
  return tensors
}

function storedTensor(
  info: ParsedGguf['tensorInfos'][number],
  dataStart: number,
  alignment: number,
  fileSize: number,
): StoredTensor {
  const type = typeOfGgml(info.dtype)
  if (type === undefined) {
    const known = Object.keys(BLOCKS).join(', ')
    throw unsupported(`tensor ${info.name} has type number ${info.dtype}; these are read: ${known}`)
  }
  if (info.offset > BigInt(fileSize) || info.shape.some((size) => size > BigInt(fileSize) * 8n)) {
    throw invalid(`tensor ${info.name} lies outside the file`)
  }
  const shape = info.shape.map(Number).reverse()
  const offset = dataStart + Number(info.offset)
  if (Number(info.offset) % alignment !== 0) {
    throw invalid(`tensor ${info.name} starts at ${info.offset}, not at a multiple of ${alignment}`)
  }
  const length = lengthOf(info.name, type, shape)
  if (offset + length > fileSize) {
    throw invalid(`tensor ${info.name} ends at byte ${offset + length} of a file of ${fileSize}`)
  }
  return { name: info.name, type, shape, offset, length }
}

function lengthOf(name: string, type: TensorType, shape: readonly number[]): number {
  const block = BLOCKS[type]
  const cols = shape.at(-1) ?? 1
  if (cols % block.values !== 0) {
    throw invalid(`tensor ${name} has rows of ${cols} values; ${type} needs a multiple of ${block.values}`)
  }
  const values = shape.reduce((product, size) => product * size, 1)
  return (values / block.values) * block.bytes
}

function alignmentOf(parsed: ParsedGguf): number {
  const alignment = metadataOf(parsed).get('general.alignment') ?? 32
  const valid = typeof alignment === 'number' && Number.isInteger(Math.log2(alignment)) && alignment >= 1
  if (!valid || alignment > 65536)
    throw invalid(
      `an alignment of ${typeof alignment === 'number' ? alignment : 'another type'}; a power of two is needed`,
    )
  return alignment
}

function invalid(what: string): IsletError {
  return new IsletError('invalid_file', `damaged GGUF file: ${what}`)
}

function unsupported(what: string): IsletError {
  return new IsletError('unsupported_format', `this GGUF file is not supported: ${what}`)
}
