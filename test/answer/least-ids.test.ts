// No text has fewer ids than its letters say, in any family's tokenizer, and one that is far too long is not tokenised.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { leastIds, leastIdsSliced } from '../../src/answer/least-ids.ts'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { Budget, type Sliced } from '../../src/lib/sliced.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { WINDOW } from '../../src/tokenizer/windows.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { GEMMA_FOLDER, REAL_FOLDER, TINY_FOLDER } from '../helpers/real-model.ts'
import { request } from '../helpers/request.ts'
import { rng } from '../helpers/rng.ts'
import { FIXTURES, readGolden } from '../tokenizer/support.ts'

const packed = [REAL_FOLDER, GEMMA_FOLDER, TINY_FOLDER].filter((folder) =>
  existsSync(join(folder, 'tokenizer.bin')),
)
const open = (folder: string): Tokenizer => readTokenizer(readFileSync(join(folder, 'tokenizer.bin')))
const families = readdirSync(FIXTURES).filter((family) => readdirSync(join(FIXTURES, family)).length > 1)

/** Texts that are short in ids: each is repeated. */
function denseTexts(tokenizer: Tokenizer): string[] {
  const names = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.decode([id]))
  const letters = (text: string): number => text.replace(/[^\p{L}\p{N}]/gu, '').length
  const most = (count: (text: string) => number): string[] =>
    names.toSorted((a, b) => count(b) - count(a)).slice(0, 12)
  const odd = [
    '\u037e',
    '\u1fef',
    '\u212a',
    '\u2581',
    '=\u0338',
    'e\u0301',
    '\u1112\u1161\u11ab',
    'ｶﾞ',
    '\ud800',
    '\udc00',
  ]
  const plain = [
    'a',
    ' ',
    '\n',
    '\t',
    '0',
    '.',
    '北',
    '\u{20000}',
    '\u{10fffd}',
    '🌍',
    '\u200b',
    '\ufeff',
    '\u0001',
    '한',
    'й',
  ]
  return [
    ...most(letters),
    ...most((text) => text.length),
    ...(tokenizer.guardedNames ?? []).slice(0, 4),
    ...odd,
    ...plain,
  ]
}

function expectBound(tokenizer: Tokenizer, texts: readonly string[]): void {
  const dense = denseTexts(tokenizer)
  const { int } = rng(5)
  const mixed = Array.from({ length: 40 }, () =>
    Array.from({ length: 60 }, () => dense[int(dense.length)]).join(''),
  )
  for (const text of [...texts, ...dense.map((each) => each.repeat(300)), ...mixed]) {
    for (const options of [{}, { special: true }] as const) {
      const { length } = tokenizer.encode(text, options)
      expect(leastIds(tokenizer, text), JSON.stringify(text.slice(0, 60))).toBeLessThanOrEqual(length)
    }
  }
}

describe('the least number of ids', () => {
  it.each(families)('is never above the number that there is: %s', async (family) => {
    const { tokenizer } = await tokenizerOf(join(FIXTURES, family))
    expectBound(
      tokenizer,
      readGolden(join(FIXTURES, family)).cases.map(({ text }) => text),
    )
  })

  it.each(packed)('is that of long texts too: %s', (folder) => {
    const tokenizer = open(folder)
    expectBound(tokenizer, ['The quick brown fox. '.repeat(2000)])
    // A bound that is worth having.
    for (const text of ['a b ', 'word', '北京', ' ', '.,;', '🌍'])
      expect(leastIds(tokenizer, text.repeat(10_000))).toBeGreaterThan(100)
  })

  it('is 0 where a tokenizer may drop or merge letters', () => {
    const tokenizer = { ...byteLevel(), idOf: () => undefined }
    expect(leastIds(tokenizer, 'a'.repeat(1000))).toBe(0)
  })
})

/** A byte for an id, and how often it was asked to encode much. */
function byteLevel(): Tokenizer & { long: number } {
  const tokenizer = {
    long: 0,
    vocabSize: 256,
    bosId: undefined,
    addBos: false,
    endIds: new Set<number>(),
    encode(text: string) {
      if (text.length > 1000) tokenizer.long++
      return [...new TextEncoder().encode(text)]
    },
    *encodeSliced(text: string, budget: Budget): Sliced<number[]> {
      if (budget.spend(text.length)) yield
      return tokenizer.encode(text)
    },
    tokenBytes: (id: number) => Uint8Array.of(id),
    byteAt: (id: number, at: number) => (at === 0 ? id : -1),
    longestToken: (bytes: Uint8Array, start: number) => bytes[start],
    idOf: (name: string) => (name.length === 1 ? name.charCodeAt(0) : undefined),
    nameOf: (id: number) => String.fromCharCode(id),
    isSpecial: () => false,
    decode: (ids: readonly number[]) =>
      new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(Uint8Array.from(ids)),
  }
  return tokenizer
}

/** What a tokenizer may do to a text, and what is left for certain then. */
const KEEPS = {
  everything: byteLevel(),
  /** Joins spaces. */
  letters: {
    ...byteLevel(),
    decode: (ids: readonly number[]) => byteLevel().decode(ids).replace(/ +/g, ' '),
  },
  /** Knows no rare character. */
  ascii: {
    ...byteLevel(),
    decode: (ids: readonly number[]) =>
      byteLevel()
        .decode(ids)
        .replace(/[\u{10fffd}]/gu, '?'),
  },
}

describe('a letter that is kept for certain', () => {
  /** How many of the characters count, of 160 of each. */
  const counted = (tokenizer: Tokenizer, characters: readonly string[]): string[] =>
    characters.filter((character) => {
      const least = leastIds(tokenizer, character.repeat(160))
      expect([0, 10]).toContain(least)
      return least > 0
    })
  const alphabet = ['0', '9', 'A', 'Z', 'a', 'z']
  // The first and the last of each block, and what stands beside them.
  const beside = ['/', ':', '@', '[', '`', '{', ' ', '\n', '\u007f']
  const lone = [
    '\u0410',
    '\u044f',
    '\u3041',
    '\u3096',
    '\u30a1',
    '\u30fa',
    '\u4e00',
    '\u9fff',
    '\uac00',
    '\ud7a3',
  ]
  const others = [
    '\u0080',
    '\u040f',
    '\u0450',
    '\u3040',
    '\u30a0',
    '\u3097',
    '\u30fb',
    '\uabff',
    '\ud7a4',
    '\u{20000}',
  ]
  const joining = ['\u0301', '\u1160', '\u11ff', '\u{1d165}']
  const none = ['\u2581', '\u037e', '\u1fef']
  const all = [...alphabet, ...beside, ...lone, ...others, ...joining, ...none]

  it('is each character that joins no other, where a text comes back as it was', () => {
    expect(counted(KEEPS.everything, all)).toEqual([...alphabet, ...beside, ...lone, ...others, ...none])
  })

  it('is one of ASCII, or one that stands alone in every form, where a text may come back otherwise', () => {
    expect(counted(KEEPS.letters, all)).toEqual([...alphabet, ...lone])
  })

  it('is one of ASCII where others may become one unknown token', () => {
    expect(counted(KEEPS.ascii, all)).toEqual(alphabet)
  })

  it('is none where a letter is no token by itself, or does not come back', () => {
    const bytes = byteLevel()
    const dull: Tokenizer[] = [
      { ...bytes, idOf: (name) => (name === 'Q' ? undefined : bytes.idOf(name)) },
      { ...bytes, tokenBytes: (id) => (id === 0x51 ? Uint8Array.of(32, id) : Uint8Array.of(id)) },
      { ...bytes, decode: (ids) => bytes.decode(ids).replace('Q', 'q') },
    ]
    for (const tokenizer of dull) expect(counted(tokenizer, all)).toEqual([])
  })

  it('counts once, of one unit or of two, cut nowhere', () => {
    const { everything } = KEEPS
    // Letters alone are counted behind punctuation, and with it.
    expect(leastIds(everything, `${'.'.repeat(40)}${'a'.repeat(24)}`)).toBe(4)
    expect(leastIds(everything, '\u{20000}'.repeat(32))).toBe(2)
    expect(leastIds(everything, 'e\u0301'.repeat(32))).toBe(2)
    expect(leastIds(everything, '\u{1d165}'.repeat(32))).toBe(0)
    // Half a character counts as one, at the end of a text too.
    expect(leastIds(everything, `${'a'.repeat(16)}\ud840`)).toBe(2)
    expect(leastIds(everything, '')).toBe(0)
  })

  it('counts in a text of several windows, in slices, as in a short one', () => {
    const text = `a${'\u{20000}'.repeat(WINDOW)}${'b'.repeat(WINDOW)}`
    const least = Math.ceil((2 * WINDOW + 1) / 16)
    expect(leastIds(KEEPS.everything, text)).toBe(least)
    const slices = leastIdsSliced(KEEPS.everything, text, new Budget(WINDOW))
    let rests = 0
    let step = slices.next()
    for (; step.done !== true; step = slices.next()) rests++
    expect([step.value, rests]).toEqual([least, 1])
  })
})

describe('what one token holds at most', () => {
  /** A vocabulary with this token besides its bytes. */
  const withToken = (text: string, more: Partial<Tokenizer> = {}): Tokenizer => ({
    ...byteLevel(),
    vocabSize: 257,
    tokenBytes: (id) => (id === 256 ? new TextEncoder().encode(text) : Uint8Array.of(id)),
    ...more,
  })
  const least = (tokenizer: Tokenizer, text: string): number => leastIds(tokenizer, text.repeat(240))

  it('is 16 letters, or those of a longer token', () => {
    expect(least(withToken('a'.repeat(16)), 'a')).toBe(15)
    expect(least(withToken('a'.repeat(20)), 'a')).toBe(12)
    expect(least(withToken('北'.repeat(24)), '北')).toBe(10)
    expect(least(withToken('az09AZ北é'.repeat(3)), 'a')).toBe(10)
  })

  it('is counted with and without what is no letter', () => {
    // 20 letters of 40 characters: of letters alone as many ids as 20 in each, of all as 40.
    const tokenizer = withToken('a./@[`{ :~'.repeat(2) + 'a'.repeat(20))
    expect(least(tokenizer, 'a')).toBe(Math.ceil(240 / 22))
    expect(least(tokenizer, '.')).toBe(240 / 40)
  })

  it('is a name that is guarded, however long', () => {
    expect(least(withToken('', { guardedNames: ['<|x|>', `<${'y'.repeat(22)}>`] }), 'a')).toBe(10)
    expect(least(withToken('', { guardedNames: [`<${'y'.repeat(22)}>`] }), '.')).toBe(10)
  })

  it('is found once for a tokenizer', () => {
    let looks = 0
    const tokenizer = withToken('', { encode: (text) => (looks++, [...new TextEncoder().encode(text)]) })
    leastIds(tokenizer, 'a')
    const once = looks
    leastIds(tokenizer, 'b')
    expect([once > 0, looks]).toEqual([true, once])
  })
})

describe('a prompt', () => {
  const limits = { maxPrompt: 100, maxPositions: Infinity }
  const chat: ChatFormat = { kind: 'jinja', template: 'hi {{ messages[-1].content | trim }}' }
  const said = (text: string): GenerateRequest['prompt'] => ({
    kind: 'chat',
    messages: [
      { role: 'user', content: 'x'.repeat(9000) },
      { role: 'user', content: text },
    ],
  })

  function prepared(changes: Partial<GenerateRequest>): { ids: number; long: number; message: string } {
    const tokenizer = byteLevel()
    const text = { manifest: { ...mockManifest(), chat }, tokenizer }
    let [ids, message] = [0, '']
    try {
      ids = preparePrompt(request(changes), text, limits).ids.length
    } catch (error) {
      expect(error).toMatchObject({ code: 'context_length_exceeded' })
      message = (error as Error).message
    }
    return { ids, long: tokenizer.long, message }
  }

  it('that is far too long is refused unread', () => {
    for (const prompt of [{ kind: 'text', text: 'a'.repeat(1601) } as const, said('a'.repeat(1601))]) {
      const { long, message } = prepared({ prompt })
      expect(long).toBe(0)
      expect(message).toMatch(/has at least 10[12] tokens and this model takes 100: .*truncation/)
    }
  })

  it('that may fit is read, and so is one that shall be cut', () => {
    expect(prepared({ prompt: { kind: 'text', text: 'a'.repeat(1600) } })).toMatchObject({
      long: 1,
      message: expect.stringContaining('has 1600 tokens') as string,
    })
    // What the template leaves out does not count.
    for (const content of ['a', ' '.repeat(9000)])
      expect(prepared({ prompt: said(content) }).message).toBe('')
    const text = { kind: 'text', text: 'a'.repeat(3200) } as const
    expect(prepared({ prompt: text, truncation: 'auto' })).toEqual({ ids: 100, long: 1, message: '' })
  })
})
