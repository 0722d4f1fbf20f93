// Builds GGUF files byte by byte, honest ones and hostile ones.

import { writeFileSync } from 'node:fs'
import { BLOCKS, type TensorType } from '../../src/formats/dtype.ts'

/** GGUF's numbers for metadata types and tensor types. */
const TYPES = { u32: 4, f32: 6, bool: 7, string: 8, array: 9, u64: 10 } as const
const GGML: Readonly<Record<TensorType, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q5_0: 6,
  Q5_1: 7,
  Q8_0: 8,
  Q2_K: 10,
  Q3_K: 11,
  Q4_K: 12,
  Q5_K: 13,
  Q6_K: 14,
  BF16: 30,
}

export type Value =
  | { u32: number }
  | { f32: number }
  | { bool: boolean }
  | { string: string }
  | { u64: bigint }
  | { strings: string[] }
  | { f32s: number[] }
  | { u64s: bigint[] }
  | { u8s: Uint8Array }

export type BuiltTensor = {
  name: string
  type: TensorType
  /** Slowest first. */
  shape: number[]
  bytes: Uint8Array
  /** What the header says instead, for hostile files. */
  claims?: { type?: number; dims?: bigint[]; offset?: bigint }
}

export type GgufParts = {
  metadata: Record<string, Value>
  tensors: BuiltTensor[]
  /** What the header says instead. */
  claims?: { magic?: string; version?: number; tensorCount?: bigint; keyCount?: bigint }
  /** Bytes cut off the end of the file. */
  cut?: number
}

/** The bytes of a GGUF file, version 3, alignment 32. */
export function buildGguf({ metadata, tensors, claims = {}, cut = 0 }: GgufParts): Uint8Array {
  const out: Buffer[] = [Buffer.from(claims.magic ?? 'GGUF'), u32(claims.version ?? 3)]
  const keys = Object.entries(metadata)
  out.push(u64(claims.tensorCount ?? BigInt(tensors.length)), u64(claims.keyCount ?? BigInt(keys.length)))
  for (const [key, value] of keys) out.push(text(key), ...metadataValue(value))
  let offset = 0
  for (const { name, type, shape, bytes, claims: says = {} } of tensors) {
    const dims = says.dims ?? shape.map(BigInt).reverse()
    out.push(
      text(name),
      u32(dims.length),
      ...dims.map(u64),
      u32(says.type ?? GGML[type]),
      u64(says.offset ?? BigInt(offset)),
    )
    offset += Math.ceil(bytes.length / 32) * 32
  }
  const header = Buffer.concat(out)
  const parts: Buffer[] = [header, Buffer.alloc((32 - (header.length % 32)) % 32)]
  for (const { bytes } of tensors)
    parts.push(Buffer.from(bytes), Buffer.alloc((32 - (bytes.length % 32)) % 32))
  const file = Buffer.concat(parts)
  return new Uint8Array(file.subarray(0, file.length - cut))
}

/** Writes the file and returns its path. */
export function writeGguf(path: string, parts: GgufParts): string {
  writeFileSync(path, buildGguf(parts))
  return path
}

export type TinySizes = {
  hidden: number
  heads: number
  kvHeads: number
  headDim: number
  ffn: number
  vocab: number
  layers: number
}

export const TINY: TinySizes = {
  hidden: 64,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  ffn: 96,
  vocab: 72,
  layers: 2,
}

/** Metadata of architecture `llama` with these sizes. */
export function llamaMetadata(sizes: TinySizes): Record<string, Value> {
  return {
    'general.architecture': { string: 'llama' },
    'llama.block_count': { u32: sizes.layers },
    'llama.context_length': { u32: 256 },
    'llama.embedding_length': { u32: sizes.hidden },
    'llama.feed_forward_length': { u32: sizes.ffn },
    'llama.attention.head_count': { u32: sizes.heads },
    'llama.attention.head_count_kv': { u32: sizes.kvHeads },
    'llama.attention.key_length': { u32: sizes.headDim },
    'llama.attention.value_length': { u32: sizes.headDim },
    'llama.rope.dimension_count': { u32: sizes.headDim },
    'llama.rope.freq_base': { f32: 100000 },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
  }
}

/** All tensors of a model with a tied head; `fill` makes the bytes of each. */
export function llamaTensors(
  sizes: TinySizes,
  type: TensorType,
  fill: (bytes: number, type: TensorType) => Uint8Array,
): BuiltTensor[] {
  const { hidden, heads, kvHeads, headDim, ffn, vocab, layers } = sizes
  const matrix = (name: string, rows: number, cols: number): BuiltTensor => {
    const block = BLOCKS[type]
    return {
      name: `${name}.weight`,
      type,
      shape: [rows, cols],
      bytes: fill(((rows * cols) / block.values) * block.bytes, type),
    }
  }
  const norm = (name: string): BuiltTensor => ({
    name: `${name}.weight`,
    type: 'F32',
    shape: [hidden],
    bytes: fill(4 * hidden, 'F32'),
  })
  const tensors = [matrix('token_embd', vocab, hidden)]
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}`
    tensors.push(
      norm(`${at}.attn_norm`),
      matrix(`${at}.attn_q`, heads * headDim, hidden),
      matrix(`${at}.attn_k`, kvHeads * headDim, hidden),
    )
    tensors.push(
      matrix(`${at}.attn_v`, kvHeads * headDim, hidden),
      matrix(`${at}.attn_output`, hidden, heads * headDim),
    )
    tensors.push(
      norm(`${at}.ffn_norm`),
      matrix(`${at}.ffn_gate`, ffn, hidden),
      matrix(`${at}.ffn_up`, ffn, hidden),
    )
    tensors.push(matrix(`${at}.ffn_down`, hidden, ffn))
  }
  return [...tensors, norm('output_norm')]
}

function metadataValue(value: Value): Buffer[] {
  if ('u32' in value) return [u32(TYPES.u32), u32(value.u32)]
  if ('f32' in value) return [u32(TYPES.f32), f32(value.f32)]
  if ('bool' in value) return [u32(TYPES.bool), Buffer.from([value.bool ? 1 : 0])]
  if ('string' in value) return [u32(TYPES.string), text(value.string)]
  if ('u64' in value) return [u32(TYPES.u64), u64(value.u64)]
  if ('strings' in value) {
    return [
      u32(TYPES.array),
      u32(TYPES.string),
      u64(BigInt(value.strings.length)),
      ...value.strings.map(text),
    ]
  }
  if ('u8s' in value) return [u32(TYPES.array), u32(0), u64(BigInt(value.u8s.length)), Buffer.from(value.u8s)]
  if ('u64s' in value)
    return [u32(TYPES.array), u32(TYPES.u64), u64(BigInt(value.u64s.length)), ...value.u64s.map(u64)]
  return [u32(TYPES.array), u32(TYPES.f32), u64(BigInt(value.f32s.length)), ...value.f32s.map(f32)]
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(BigInt(bytes.length)), bytes])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
