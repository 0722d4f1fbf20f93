// Hostile GGUF files: counts, types, shapes, places of tensors, metadata, and what is no file at all.

import { join } from 'node:path'
import {
  buildGguf,
  llamaMetadata,
  llamaTensors,
  TINY,
  type BuiltTensor,
  type GgufParts,
  type Value,
} from '../../helpers/gguf-builder.ts'
import { NO_FILES, write, writeHole, type HostileCase } from './case.ts'

const FILE = 'bad.gguf'

export function goodGguf(): GgufParts {
  const tensors = llamaTensors(TINY, 'Q8_0', (bytes, type) =>
    type === 'F32'
      ? new Uint8Array(new Float32Array(bytes / 4).fill(1).buffer)
      : new Uint8Array(bytes).fill(3),
  )
  return { metadata: llamaMetadata(TINY), tensors }
}

/** A file that differs from a good one by `edit`. */
export function ggufCase(
  name: string,
  edit: (parts: GgufParts) => unknown,
  more: Partial<HostileCase> = {},
): HostileCase {
  return {
    name: `a GGUF file with ${name}`,
    file: FILE,
    make: (folder) => {
      const parts = goodGguf()
      edit(parts)
      write(folder, FILE, buildGguf(parts))
      return join(folder, FILE)
    },
    ...more,
  }
}

const claim = (index: number, claims: BuiltTensor['claims']) => (parts: GgufParts) =>
  void (parts.tensors[index].claims = claims)
const says = (key: string, value: Value) => (parts: GgufParts) => void (parts.metadata[key] = value)
const without = (key: string) => (parts: GgufParts) => delete parts.metadata[key]

const HEADERS: HostileCase[] = [
  ggufCase('another magic', (parts) => (parts.claims = { magic: 'GGML' })),
  ggufCase('version 0', (parts) => (parts.claims = { version: 0 })),
  ggufCase('a version to come', (parts) => (parts.claims = { version: 99 })),
  ggufCase('a big-endian version', (parts) => (parts.claims = { version: 0x03000000 })),
  ggufCase('tensors without end', (parts) => (parts.claims = { tensorCount: 2n ** 62n })),
  ggufCase('keys without end', (parts) => (parts.claims = { keyCount: 2n ** 62n })),
  ggufCase('a tensor more than there are', (parts) => (parts.claims = { tensorCount: 21n })),
  ggufCase('a tensor less than there are', (parts) => (parts.claims = { tensorCount: 19n })),
  ggufCase('a key more than there are', (parts) => (parts.claims = { keyCount: 13n })),
  ggufCase('no keys', (parts) => (parts.metadata = {})),
  ggufCase('no tensors', (parts) => (parts.tensors = [])),
  ggufCase('its end cut off', (parts) => (parts.cut = 100)),
  ggufCase('its middle cut off', (parts) => (parts.cut = 60_000)),
  ...[0, 3, 23, 24, 40, 300].map((bytes) => ({
    name: `a GGUF file of ${bytes} bytes`,
    file: FILE,
    make: (folder: string) => {
      write(folder, FILE, buildGguf(goodGguf()).subarray(0, bytes))
      return join(folder, FILE)
    },
  })),
  ggufCase('six million values', ({ metadata }) => {
    for (let i = 0; i < 6; i++) metadata[`list ${i}`] = { u8s: new Uint8Array(1_000_000) }
  }),
  ggufCase('a hundred thousand tensors', (parts) => (parts.claims = { tensorCount: 100_000n })),
  {
    name: 'a GGUF file of 40 MB of nothing',
    file: FILE,
    make: (folder) => {
      writeHole(folder, FILE, 40_000_000)
      return join(folder, FILE)
    },
  },
]

const TENSORS: HostileCase[] = [
  ggufCase('a tensor outside', claim(3, { offset: 2n ** 40n })),
  ggufCase('a tensor at the end of all numbers', claim(3, { offset: 2n ** 64n - 32n })),
  ggufCase('a tensor over another', claim(3, { offset: 0n })),
  ggufCase('all tensors in one place', ({ tensors }) =>
    tensors.forEach((each) => (each.claims = { offset: 0n })),
  ),
  ggufCase('a tensor between', claim(3, { offset: 17n })),
  ggufCase('a huge shape', claim(3, { dims: [2n ** 60n, 2n ** 60n] })),
  ggufCase('a shape whose size is 0 by overflow', claim(3, { dims: [2n ** 32n, 2n ** 32n] })),
  ggufCase('a shape of nothing', claim(3, { dims: [0n, 32n] })),
  ggufCase('a shape lying across', claim(3, { dims: [32n, 64n] })),
  ggufCase('a tensor of no dimensions', claim(3, { dims: [] })),
  ggufCase('a tensor of 9 dimensions', claim(3, { dims: Array.from({ length: 9 }, () => 1n) })),
  ggufCase('a tensor of an unknown type', claim(3, { type: 99 })),
  ggufCase('a tensor of a removed type', claim(3, { type: 4 })),
  ggufCase('integers', claim(1, { type: 26 })),
  ggufCase('rows that are no whole blocks', claim(3, { type: 12 })),
  ggufCase('two tensors of one name', ({ tensors }) => (tensors[3].name = tensors[4].name)),
  ggufCase('no embedding', ({ tensors }) => tensors.shift()),
  ggufCase('a layer too many', ({ tensors }) => (tensors[3].name = 'blk.7.attn_k.weight')),
  ggufCase('a tensor that nobody uses', ({ tensors }) =>
    tensors.push({ name: 'rope_freqs.weight', type: 'F32', shape: [4], bytes: new Uint8Array(16) }),
  ),
  ggufCase('a scale that is no number', ({ tensors }) => tensors[8].bytes.set([0, 0x7e], 34 * 50), {
    inspect: 'accepts',
  }),
]

const METADATA: HostileCase[] = [
  ggufCase('another architecture', says('general.architecture', { string: 'rwkv' })),
  ggufCase('an architecture of a megabyte', says('general.architecture', { string: 'x'.repeat(1e6) })),
  ggufCase('an architecture that is a number', says('general.architecture', { u32: 7 })),
  ggufCase('no architecture', without('general.architecture')),
  ggufCase('an alignment of 3', says('general.alignment', { u32: 3 })),
  ggufCase('an alignment of 0', says('general.alignment', { u32: 0 })),
  ggufCase('an alignment of 2^30', says('general.alignment', { u32: 2 ** 30 })),
  ggufCase('no layers', says('llama.block_count', { u32: 0 })),
  ggufCase('layers without end', says('llama.block_count', { u32: 0xffffffff })),
  ggufCase('a width without end', says('llama.embedding_length', { u64: 2n ** 63n })),
  ggufCase('heads of text', says('llama.attention.head_count', { string: '2' })),
  ggufCase('heads by layer', says('llama.attention.head_count_kv', { u64s: [1n, 1n] })),
  ggufCase('heads that cannot be grouped', says('llama.attention.head_count_kv', { u32: 3 })),
  ggufCase('a context of nothing', says('llama.context_length', { u32: 0 })),
  ggufCase('an epsilon that is no number', says('llama.attention.layer_norm_rms_epsilon', { f32: NaN })),
  ggufCase('an endless rotary base', says('llama.rope.freq_base', { f32: Infinity })),
  ggufCase('a vocabulary of its own', says('llama.vocab_size', { u32: 73 })),
  ggufCase('experts', says('llama.expert_count', { u32: 8 })),
]

const IN_PLACE: HostileCase[] = Object.entries(NO_FILES).map(([what, put]) => ({
  name: `a GGUF file that is ${what}`,
  file: FILE,
  make: (folder) => {
    put(join(folder, FILE))
    return join(folder, FILE)
  },
}))

export const GGUF_CASES = [...HEADERS, ...TENSORS, ...METADATA, ...IN_PLACE]
