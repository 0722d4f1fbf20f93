// tokenizer.bin: in place, exact, and refused when damaged in any way that could hurt.

import { describe, expect, it } from 'vitest'
import { IsletError } from '../../src/lib/errors.ts'
import { tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import { readSentencePieceModel } from '../../src/packing/tokenizer-model.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { parseTokenizer } from '../../src/tokenizer/format.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { byteLevelMetadata, seeded } from './support.ts'

const FILE = writeTokenizer(tokenizerFromGguf(byteLevelMetadata([['a', 'b'], ['ab', 'ab']]))) // prettier-ignore

function damaged(change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const copy = FILE.slice()
  change(new DataView(copy.buffer), copy)
  return copy
}

describe('tokenizer.bin', () => {
  it('is used in place', () => {
    const data = parseTokenizer(FILE)
    for (const part of [data.offsets, data.bytes, data.types, data.table, data.merges, data.mergeTable]) {
      expect(part.buffer).toBe(FILE.buffer)
    }
  })

  it('reads the same from an odd address', () => {
    const moved = new Uint8Array(FILE.length + 1)
    moved.set(FILE, 1)
    expect(readTokenizer(moved.subarray(1)).encode('ababab')).toEqual(readTokenizer(FILE).encode('ababab'))
  })

  it.each([
    ['magic', damaged((view) => view.setUint32(0, 1, true)), 'invalid_file'],
    ['version', damaged((view) => view.setUint32(4, 99, true)), 'unsupported_format'],
    ['settings past the end', damaged((view) => view.setUint32(8, 2 ** 31, true)), 'invalid_file'],
    ['section past the end', damaged((view) => view.setUint32(20, 2 ** 30, true)), 'invalid_file'],
    ['section over the header', damaged((view) => view.setUint32(16, 0, true)), 'invalid_file'],
    [
      'a full hash table',
      damaged((_view, bytes) =>
        new Uint32Array(
          parseTokenizer(bytes).table.buffer,
          parseTokenizer(bytes).table.byteOffset,
          parseTokenizer(bytes).table.length,
        ).fill(1),
      ),
      'invalid_file',
    ],
    [
      'a merge of no token',
      damaged((_view, bytes) => void (parseTokenizer(bytes).merges[0] = 1e6)),
      'invalid_file',
    ],
    [
      'falling offsets',
      damaged((_view, bytes) => void (parseTokenizer(bytes).offsets[5] = 1e6)),
      'invalid_file',
    ],
    ['a type of 0', damaged((_view, bytes) => void (parseTokenizer(bytes).types[5] = 0)), 'invalid_file'],
    ['nothing', new Uint8Array(0), 'invalid_file'],
    ['half of it', FILE.subarray(0, FILE.length >> 1), 'invalid_file'],
  ])('refuses a file with damage: %s', (_name, file, code) => {
    expect(() => readTokenizer(file)).toThrow(expect.objectContaining({ code }))
  })

  it('never hangs or throws anything else on random damage', () => {
    const below = seeded(11)
    for (let round = 0; round < 400; round++) {
      const file = damaged((_view, bytes) => {
        for (let i = 0; i <= below(3); i++) bytes[below(round % 2 === 0 ? 400 : bytes.length)] = below(256)
      })
      try {
        const tokenizer = readTokenizer(file)
        tokenizer.decode(tokenizer.encode('abab <|im_end|> \u4f60', { special: true }))
      } catch (error) {
        expect(error).toBeInstanceOf(IsletError)
      }
    }
  })
})

describe('tokenizer.model', () => {
  it.each([
    ['a length past the end', [0x0a, 0x7f, 0x00]],
    ['a number that does not end', [0x08, 0xff]],
    ['a field type that does not exist', [0x0f]],
    ['no pieces', [0x12, 0x02, 0x18, 0x02]],
  ])('refuses %s', (_name, bytes) => {
    expect(() => readSentencePieceModel(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'invalid_file' }),
    )
  })

  it('refuses unigram models by name', () => {
    const unigram = Uint8Array.from([0x0a, 0x03, 0x0a, 0x01, 0x61, 0x12, 0x02, 0x18, 0x01])
    expect(() => readSentencePieceModel(unigram)).toThrow(/unigram/)
  })
})
