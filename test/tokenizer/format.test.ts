// tokenizer.bin: in place, exact, and refused when damaged in any way that could hurt.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { IsletError } from '../../src/lib/errors.ts'
import { mayLackMarks, readTokenNames } from '../../src/packing/gguf-tokens.ts'
import { tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import { tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { readSentencePieceModel } from '../../src/packing/tokenizer-model.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { parseTokenizer } from '../../src/tokenizer/format.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { FIXTURES, byteLevelMetadata, seeded } from './support.ts'

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

describe('versions', () => {
  const ice = readFileSync(join(FIXTURES, 'chatglm1/ice_text.model'))
  const unigram = async (): Promise<Uint8Array> =>
    writeTokenizer(
      await tokenizerFromFolder(async (name) =>
        name === 'ice_text.model' ? new Uint8Array(ice) : undefined,
      ),
    )

  it('are the first where it says all, and keep the map in place in the second', async () => {
    const file = await unigram()
    const versions = [FILE, file].map((bytes) => new DataView(bytes.buffer).getUint32(4, true))
    expect(versions).toEqual([1, 2])
    const { charsmap, scores } = parseTokenizer(file)
    expect([charsmap.buffer, scores.buffer]).toEqual([file.buffer, file.buffer])
    expect(file.length).toBeLessThan(ice.length * 1.2)
  })

  it('of the second never hang or throw anything else on random damage', async () => {
    const whole = await unigram()
    const below = seeded(13)
    for (let round = 0; round < 120; round++) {
      const file = whole.slice()
      for (let i = 0; i <= below(4); i++) file[below(round % 2 === 0 ? 600 : file.length)] = below(256)
      try {
        const tokenizer = readTokenizer(file)
        tokenizer.decode(tokenizer.encode('abab  \n \ufb01\u2460 <eop> \u4f60', { special: true }))
      } catch (error) {
        expect(error).toBeInstanceOf(IsletError)
      }
    }
  })
})

describe('token names of a GGUF file', () => {
  /** The metadata of a file as GGUF writes it: a list of strings. */
  function metadata(names: string[], size: number): Uint8Array {
    const parts: number[] = []
    const put = (value: number, bytes: number): void => {
      for (let i = 0; i < bytes; i++) parts.push(i < 4 ? (value >>> (8 * i)) & 255 : 0)
    }
    const text = (value: string): void => {
      const bytes = new TextEncoder().encode(value)
      put(bytes.length, size)
      parts.push(...bytes)
    }
    text('a value that names tokenizer.ggml.tokens')
    text('tokenizer.ggml.tokens')
    put(9, 4)
    put(8, 4)
    put(names.length, size)
    names.forEach(text)
    return Uint8Array.from(parts)
  }
  const names = ['#', '\ufeff#', '\ufeff', 'a\ufeff', '\u4f60']
  const parsed = names.map((name) => name.replace(/^\ufeff/, ''))

  it.each([1, 3])('get back the byte order marks that the parser dropped (version %i)', (version) => {
    expect(mayLackMarks(parsed)).toBe(true)
    expect(mayLackMarks(['a', 'b'])).toBe(false)
    const header = metadata(names, version === 1 ? 4 : 8)
    expect(readTokenNames(header, parsed, version, true)).toEqual(names)
  })

  it('are refused where they differ otherwise or end early', () => {
    const header = metadata(names, 8)
    const read = (bytes: Uint8Array, list: string[]) => () => readTokenNames(bytes, list, 3, true)
    expect(read(header, parsed.toReversed())).toThrow(expect.objectContaining({ code: 'invalid_file' }))
    expect(read(header.subarray(0, -2), parsed)).toThrow(expect.objectContaining({ code: 'invalid_file' }))
    expect(read(header.subarray(0, 60), parsed)).toThrow(expect.objectContaining({ code: 'invalid_file' }))
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

  const ofType = (type: number): Uint8Array =>
    Uint8Array.from([0x0a, 0x03, 0x0a, 0x01, 0x61, 0x12, 0x02, 0x18, type])

  it('refuses word and character models by name', () => {
    expect(() => readSentencePieceModel(ofType(3))).toThrow(/word/)
    expect(() => readSentencePieceModel(ofType(4))).toThrow(/character/)
    expect([readSentencePieceModel(ofType(1)).kind, readSentencePieceModel(ofType(2)).kind]).toEqual([
      'unigram',
      'bpe',
    ])
  })
})
