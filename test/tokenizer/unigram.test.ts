// Unigram against the best of all segmentations, the character map against Unicode's own normalisation, and hostile maps.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { atOnce, Budget } from '../../src/lib/sliced.ts'
import { readSentencePieceModel } from '../../src/packing/tokenizer-model.ts'
import type { TokenizerSource } from '../../src/packing/tokenizer-write.ts'
import { CharacterMap, damageOfCharsmap } from '../../src/tokenizer/charsmap.ts'
import { TOKEN } from '../../src/tokenizer/format.ts'
import { normaliser } from '../../src/tokenizer/normalise.ts'
import { FIXTURES, open, seeded } from './support.ts'

const encoder = new TextEncoder()

type Piece = [name: string, score: number, type?: number]

function source(pieces: Piece[]): TokenizerSource {
  return {
    tokens: pieces.map(([name]) => encoder.encode(name)),
    types: Uint8Array.from(pieces, ([, , type]) => type ?? TOKEN.normal),
    ranks: new Uint32Array(0),
    merges: new Uint32Array(0),
    scores: Float32Array.from(pieces, ([, score]) => score),
    settings: {
      algorithm: 'unigram',
      normalizer: 'none',
      ignoreMerges: false,
      dummyPrefix: 'none',
      removeExtraSpaces: false,
      cutAtSpaces: false,
      addBos: false,
      unknownId: 0,
      endIds: [],
      symbolsInside: true,
    },
  }
}

/** The best sum over all segmentations, added from the left in float32. */
function bestSum(pieces: Piece[], text: string, sum = 0): number {
  if (text === '') return sum
  const ways = pieces.filter(([name]) => text.startsWith(name))
  return Math.max(
    ...ways.map(([name, score]) =>
      bestSum(pieces, text.slice(name.length), Math.fround(sum + Math.fround(score))),
    ),
  )
}

describe('unigram', () => {
  it('finds the best segmentation on random vocabularies', () => {
    const below = seeded(21)
    const word = (letters: string, most: number): string =>
      Array.from({ length: 1 + below(most) }, () => letters[below(letters.length)]).join('')
    for (let round = 0; round < 100; round++) {
      // Every other vocabulary has tokens with a space inside, where text cannot be cut at spaces.
      const letters = round % 2 === 0 ? 'abc' : 'ab '
      const names = new Set([...'abc ', ...Array.from({ length: 14 }, () => word(letters, 4))])
      const pieces = [...names].map((name): Piece => [name, -(1 + below(900) / 100)])
      const tokenizer = open(source([['<unk>', 0, TOKEN.unknown], ...pieces]))
      for (let i = 0; i < 20; i++) {
        const text = word('aabbc ', 12)
        const found = tokenizer.encode(text).map((id) => tokenizer.nameOf(id).replaceAll('\u2581', ' '))
        expect(found.join('')).toBe(text)
        const scores = found.map((name) => pieces.find((piece) => piece[0] === name)?.[1] ?? NaN)
        const sum = scores.reduce((total, score) => Math.fround(total + Math.fround(score)), 0)
        expect([text, sum]).toEqual([text, bestSum(pieces, text)])
      }
    }
  })

  it('takes the first of equals: the one whose last token is longest', () => {
    const tokenizer = open(source([['<unk>', 0, 2], ['a', -1], ['aa', -2], ['aaa', -3]])) // prettier-ignore
    expect(tokenizer.encode('aaa')).toEqual([3])
    expect(tokenizer.encode('aaaa').map((id) => tokenizer.nameOf(id))).toEqual(['a', 'aaa'])
  })

  it('prefers user-defined tokens, skips unused ones, and gives one unknown token for a run', () => {
    const tokenizer = open(
      source([['<unk>', 0, 2], ['a', -1], ['b', -1], ['ab', -3], ['ba', -20, 4], ['abab', -0.1, 5]]), // prettier-ignore
    )
    const names = (text: string): string[] => tokenizer.encode(text).map((id) => tokenizer.nameOf(id))
    expect(names('abab')).toEqual(['a', 'ba', 'b'])
    expect(names('axyza')).toEqual(['a', '<unk>', 'a'])
    expect(names('<unk>')).toEqual(['<unk>'])
    expect(names('')).toEqual([])
  })

  it('is near-linear on 300 KB without a space', () => {
    const tokenizer = open(source([['<unk>', 0, 2], ['a', -1], ['a'.repeat(64), -2]])) // prettier-ignore
    expect(tokenizer.encode('a'.repeat(64 * 4700)).length).toBe(4700)
  })

  it.each([
    ['no scores', { scores: new Float32Array(0) }],
    ['a score that is no number', { scores: Float32Array.of(0, NaN) }],
    ['a token without end', { tokens: [encoder.encode('<unk>'), new Uint8Array(5000)] }],
    ['too few scores', { scores: Float32Array.of(0) }],
  ])('refuses %s', (_name, change) => {
    const broken = { ...source([['<unk>', 0, 2], ['a', -1]]), ...change } // prettier-ignore
    expect(() => open(broken)).toThrow(expect.objectContaining({ code: 'invalid_file' }))
  })
})

describe('character map', () => {
  const normalises = (...given: Parameters<typeof normaliser>) => {
    const normalise = normaliser(...given)
    return (text: string, prefix: boolean): string => atOnce(normalise(text, prefix, new Budget()))
  }
  const { charsmap } = readSentencePieceModel(readFileSync(join(FIXTURES, 'chatglm1/ice_text.model')))

  it('equals NFKC where nmt_nfkc adds nothing', () => {
    const normalise = normalises(charsmap, false, [])
    for (let code = 0xa1; code < 0xd800; code++) {
      const character = String.fromCharCode(code)
      // Marks that compose, joiners and what nmt makes a space or nothing are not what NFKC does; neither is later Unicode.
      if (/\p{M}|\p{C}|\p{Z}|[\u1100-\u11ff\u2581\uff5e]/u.test(character)) continue
      const expected = character.normalize('NFKC')
      if (expected !== character && normalise(character, false) !== character)
        expect([character, normalise(character, false)]).toEqual([character, expected])
    }
    expect(normalise('\u2460\ufb01\uff21\ufdfa e\u0301 A\u030a', false)).toBe(
      '\u2460\ufb01\uff21\ufdfa e\u0301 A\u030a'.normalize('NFKC'),
    )
  })

  it('drops controls, makes spaces one kind, and keeps user-defined names', () => {
    const squeeze = normalises(charsmap, true, ['\u2460x'])
    expect(squeeze('\u0001  a\u3000\u00a0 b \ufeff ', true)).toBe(' a b')
    expect(squeeze('\u2460x\u2460', false)).toBe('\u2460x1')
    expect(squeeze('   ', true)).toBe('')
    expect(normalises(charsmap, false, [])('   ', true)).toBe('    ')
  })

  /** A map of one trie and its replacements. */
  function mapOf(units: number[], replacements: number[]): Uint8Array {
    const map = new Uint8Array(4 + 4 * units.length + replacements.length)
    const view = new DataView(map.buffer)
    view.setUint32(0, 4 * units.length, true)
    units.forEach((unit, i) => view.setUint32(4 + 4 * i, unit, true))
    map.set(replacements, 4 + 4 * units.length)
    return map
  }

  it('ends on a trie with a cycle, inside a bounded key', () => {
    const units = new Array<number>(0x62).fill(0)
    units[0x61] = ((0x61 << 10) | 0x100 | 0x61) >>> 0 // `a` leads back to the root, and holds a value there
    const map = new CharacterMap(mapOf(units, [0x78, 0]))
    const text = new Uint8Array(10_000).fill(0x61)
    expect(map.match(text, 0, text.length)).toBe(true)
    expect(map.length).toBeLessThanOrEqual(64)
    expect(normalises(mapOf(units, [0x78, 0]), false, [])('a'.repeat(640), false)).toBe('x'.repeat(10))
  })

  it('finds nothing where the trie or a value leads outside', () => {
    const text = Uint8Array.of(0x61)
    expect(new CharacterMap(mapOf([0x3fffff << 10], [0])).match(text, 0, 1)).toBe(false)
    const far = new Array<number>(0x62).fill(0)
    far[0x61] = ((0x61 << 10) | 0x100 | 0x61) >>> 0
    far[0] = 0x7fffffff & ~(0x3fffff << 10) // the value: far past the replacements
    expect(new CharacterMap(mapOf(far, [0])).match(text, 0, 1)).toBe(false)
  })

  it.each([
    ['no bytes', new Uint8Array(3)],
    ['a trie past the end', mapOf([1, 2], []).subarray(0, 8)],
    ['an empty trie', mapOf([], [0, 0, 0, 0, 0])],
    ['no zero byte at the end', mapOf([0], [0x61])],
    ['a replacement of 300 bytes', mapOf([0], [...new Array<number>(300).fill(0x61), 0])],
  ])('is damaged: %s', (_name, map) => {
    expect(damageOfCharsmap(map)).toBeTypeOf('string')
    expect(damageOfCharsmap(charsmap)).toBeUndefined()
  })

  it('is checked when a tokenizer file is opened', () => {
    const one = source([['<unk>', 0, 2], ['a', -1]]) // prettier-ignore
    const settings = { ...one.settings, normalizer: 'charsmap' as const }
    for (const bad of [undefined, charsmap.subarray(0, 1000)]) {
      expect(() => open({ ...one, settings, charsmap: bad })).toThrow(
        expect.objectContaining({ code: 'invalid_file' }),
      )
    }
  })
})
