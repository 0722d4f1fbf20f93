// No text has fewer ids than its letters say, in any family's tokenizer, and one that is far too long is not tokenised.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { leastIds } from '../../src/answer/least-ids.ts'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import type { Budget, Sliced } from '../../src/lib/sliced.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
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
