// This parser turns a safetensors header into a table of tensors. Layout: u64 length of a JSON header, the
// header, then the data. No I/O.

import { IsletError } from '../lib/errors.ts'
import { BLOCKS, type TensorType } from './dtype.ts'
import { parseJson } from './json.ts'
import { MAX_SAFETENSORS_HEADER, MAX_TENSORS } from './limits.ts'

export type StoredTensor = {
  name: string
  type: TensorType
  /** Sizes, slowest first, as safetensors and PyTorch write them. */
  shape: number[]
  /** Byte offset in the file. */
  offset: number
  length: number
}

/** Bytes before the JSON header. */
export const SAFETENSORS_PREFIX = 8

const TYPES: ReadonlyMap<string, TensorType> = new Map([
  ['F32', 'F32'],
  ['F16', 'F16'],
  ['BF16', 'BF16'],
])

/** Length of the JSON header, from the file's first 8 bytes; `invalid_file` if it cannot be. */
export function safetensorsHeaderLength(prefix: Uint8Array, fileSize: number): number {
  if (prefix.length < SAFETENSORS_PREFIX) {
    throw invalid(`${prefix.length} bytes, too short for a header`)
  }
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true))
  if (length > MAX_SAFETENSORS_HEADER || SAFETENSORS_PREFIX + length > fileSize) {
    throw invalid(`a header of ${length} bytes in a file of ${fileSize} (at most ${MAX_SAFETENSORS_HEADER})`)
  }
  return length
}

/**
 * The tensors of a file of `fileSize` bytes, from its JSON header, in file order. Every tensor lies inside
 * the file, has the length its shape asks for, and overlaps no other; else `invalid_file`. Element types
 * other than F32, F16 and BF16 are `unsupported_format`.
 */
export function parseSafetensors(header: Uint8Array, fileSize: number): StoredTensor[] {
  const dataStart = SAFETENSORS_PREFIX + header.length
  const entries = Object.entries(parseHeader(header)).filter(([name]) => name !== '__metadata__')
  if (entries.length > MAX_TENSORS) throw invalid(`${entries.length} tensors, at most ${MAX_TENSORS}`)
  const tensors = entries.map(([name, entry]) => parseEntry(name, entry, dataStart, fileSize))
  tensors.sort((a, b) => a.offset - b.offset)
  for (let i = 1; i < tensors.length; i++) {
    const [before, after] = [tensors[i - 1], tensors[i]]
    if (before.offset + before.length > after.offset) {
      throw invalid(`tensors ${before.name} and ${after.name} overlap`)
    }
  }
  return tensors
}

function parseHeader(header: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header))
  } catch (cause) {
    throw invalid(`the header ${cause instanceof IsletError ? cause.message : 'is not JSON'}`, cause)
  }
  if (!isRecord(value)) throw invalid('the header is no JSON object')
  return value
}

function parseEntry(name: string, entry: unknown, dataStart: number, fileSize: number): StoredTensor {
  if (!isRecord(entry)) throw invalid(`tensor ${name} has no description`)
  const type = TYPES.get(String(entry.dtype))
  if (type === undefined) {
    throw new IsletError(
      'unsupported_format',
      `tensor ${name} has the element type ${String(entry.dtype)}; F32, F16 and BF16 are read`,
    )
  }
  const { shape, data_offsets: offsets } = entry
  if (!isSizes(shape) || shape.length > 8) throw invalid(`tensor ${name} has no valid shape`)
  if (!isSizes(offsets) || offsets.length !== 2) throw invalid(`tensor ${name} has no valid data_offsets`)
  const offset = dataStart + offsets[0]
  const length = offsets[1] - offsets[0]
  const expected = shape.reduce((product, size) => product * size, BLOCKS[type].bytes)
  if (length !== expected) {
    throw invalid(
      `tensor ${name} of shape ${shape.join(' x ')} takes ${expected} bytes, the header says ${length}`,
    )
  }
  if (offset + length > fileSize) {
    throw invalid(`tensor ${name} ends at byte ${offset + length} of a file of ${fileSize}`)
  }
  return { name, type, shape, offset, length }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(what: string, cause?: unknown): IsletError {
  return new IsletError('invalid_file', `damaged safetensors file: ${what}`, { cause })
}
