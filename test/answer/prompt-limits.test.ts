// The borders of a prompt: its length, its ids, those of its biases, and what is cut from its front.

import { describe, expect, test } from 'vitest'
import { preparePrompt, rulesFor, type PromptLimits } from '../../src/answer/prepare-prompt.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import { BOS, byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const text = { manifest: mockManifest(), tokenizer: byteTokenizer() }
const VOCAB = text.manifest.spec.vocab
const prepared = (
  changes: Partial<GenerateRequest>,
  limits: PromptLimits = { maxPrompt: 10, maxPositions: 100 },
) => preparePrompt(request(changes), text, limits)
const idPrompt = (ids: number[]) => ({ prompt: { kind: 'ids' as const, ids } })
const count = (length: number) => idPrompt(Array.from({ length }, (_, i) => i))
const refused = (code: string, param?: string) => expect.objectContaining({ code, param }) as Error

describe('the length', () => {
  test('may be the limit, and leaves a position for the answer', () => {
    expect(prepared(count(10)).truncatedTokens).toBe(0)
    expect(() => prepared(count(11))).toThrow(refused('context_length_exceeded', 'prompt'))
    expect(prepared(count(99), { maxPrompt: 500, maxPositions: 100 }).ids).toHaveLength(99)
    expect(() => prepared(count(100), { maxPrompt: 500, maxPositions: 100 })).toThrow(
      refused('context_length_exceeded', 'prompt'),
    )
  })

  test('is not nothing', () => {
    expect(() => prepared(idPrompt([]))).toThrow(refused('invalid_request', 'prompt'))
  })

  test('is cut at the front for the answer that was asked for, and keeps BOS', () => {
    const limits = { maxPrompt: 500, maxPositions: 100 }
    const auto = { truncation: 'auto' as const, maxTokens: 30 }
    const cut = prepared({ ...count(200), ...auto }, limits)
    expect([cut.ids[0], cut.ids.at(-1), cut.ids.length, cut.truncatedTokens]).toEqual([130, 199, 70, 130])
    const withBos = prepared(
      { ...idPrompt([BOS, ...Array.from({ length: 199 }, (_, i) => i)]), ...auto },
      limits,
    )
    expect([withBos.ids[0], withBos.ids[1], withBos.ids.length]).toEqual([BOS, 130, 70])
    // An answer of any length takes half at most.
    expect(prepared({ ...count(200), truncation: 'auto', maxTokens: undefined }, limits).ids).toHaveLength(50)
    expect(
      prepared({ ...count(200), truncation: 'auto' }, { maxPrompt: 20, maxPositions: Infinity }).ids,
    ).toHaveLength(20)
  })
})

describe('a prompt that is cut keeps as much as fits', () => {
  const kept = (prompt: number, maxTokens: number | undefined, maxPositions: number): number => {
    const limits = { maxPrompt: 32768, maxPositions }
    return prepared({ ...idPrompt(Array<number>(prompt).fill(7)), truncation: 'auto', maxTokens }, limits).ids
      .length
  }

  test.each([
    [1e9, 384],
    [undefined, 384],
    [128, 384],
    [127, 385],
    [1, 511],
  ])('of 512 positions beside an answer of %s', (maxTokens, length) => {
    expect(kept(811, maxTokens, 512)).toBe(length)
  })

  test('beside 256 for an answer of no number, or a quarter', () => {
    expect(kept(9000, undefined, 8192)).toBe(8192 - 256)
    expect(kept(9000, 1e9, 8192)).toBe(6144)
    expect(kept(9000, 1e9, 100)).toBe(50)
    expect(kept(9000, 1e9, 200)).toBe(136)
  })
})

test('BOS gives way where one id alone fits', () => {
  const limits = { maxPrompt: 1, maxPositions: 100 }
  const auto = { truncation: 'auto' as const }
  expect(prepared({ ...idPrompt([BOS, 7, 8]), ...auto }, limits).ids).toEqual([8])
  expect(prepared({ ...idPrompt([BOS, 7, 8]), ...auto }, { ...limits, maxPrompt: 2 }).ids).toEqual([BOS, 8])
  expect(prepared({ ...idPrompt([6, 7, 8]), ...auto }, { ...limits, maxPrompt: 2 }).ids).toEqual([7, 8])
})

test('a prompt that shall be cut is read up to 32 letters for each id that fits', () => {
  const limits = { maxPrompt: 10, maxPositions: 100 }
  const ask = (letters: number) =>
    prepared({ prompt: { kind: 'text', text: 'a'.repeat(letters) }, truncation: 'auto' }, limits)
  expect(ask(320).ids.length).toBe(10)
  expect(() => ask(321)).toThrow(/has 321 letters: truncation "auto" cuts up to 320 of them/)
  expect(() => ask(321)).toThrow(refused('context_length_exceeded', 'prompt'))
})

describe('a chat', () => {
  const chat = (content: string, tools?: object[]) => ({
    prompt: { kind: 'chat' as const, messages: [{ role: 'user', content }], ...(tools && { tools }) },
  })
  const limits = { maxPrompt: 100, maxPositions: 200 }
  const hermes: ChatFormat = { kind: 'jinja', template: '{{ messages[0].content }}{{ tools }}<tool_call>' }
  const offering = { ...text, manifest: { ...text.manifest, chat: hermes } }

  test('is refused by its field', () => {
    const long = 'a'.repeat(9000)
    expect(() => prepared(chat(long), limits)).toThrow(refused('context_length_exceeded', 'messages'))
    expect(() => prepared({ ...chat(long), truncation: 'auto' }, limits)).toThrow(
      refused('context_length_exceeded', 'messages'),
    )
  })

  test('says whether the model was told of functions', () => {
    const told = (tools?: object[]) => preparePrompt(request(chat('q', tools)), offering, limits)
    expect([told(), told([]), told([{ name: 'f' }])].map(({ tools }) => tools)).toEqual([false, false, true])
    expect([told().kind, prepared(count(3)).kind, prepared(count(3)).tools]).toEqual(['chat', 'ids', false])
  })

  test('alone is read by the rules of its format', () => {
    const rules = (changes: Partial<GenerateRequest>) =>
      rulesFor(preparePrompt(request(changes), offering, limits), offering)
    const call = '<tool_call>{"name":"f","arguments":{}}</tool_call>'
    const kinds = (changes: Partial<GenerateRequest>) =>
      rules(changes)
        .parser()
        .push(call)
        .map(({ kind }) => kind)
    // Its name, then its arguments.
    expect(kinds(chat('q', [{ name: 'f' }]))).toEqual(['call', 'call'])
    expect(kinds(chat('q'))).toEqual(['content'])
    expect(kinds(count(3))).toEqual(['content'])
  })
})

test('a prompt of a model without BOS is cut at its first id', () => {
  const bare = { ...text, tokenizer: { ...text.tokenizer, bosId: undefined } }
  const asked = request({ ...idPrompt([BOS, 7, 8]), truncation: 'auto' })
  expect(preparePrompt(asked, bare, { maxPrompt: 2, maxPositions: 100 }).ids).toEqual([7, 8])
})

describe('ids', () => {
  test.each([0, VOCAB - 1])('%i is one', (id) => expect(prepared(idPrompt([id])).ids).toEqual([id]))

  test.each([-1, 0.5, VOCAB, NaN])('%d is none', (id) => {
    expect(() => prepared(idPrompt([3, id]))).toThrow(/prompt\[1\]/)
    expect(() => prepared(idPrompt([3, id]))).toThrow(refused('invalid_request', 'prompt'))
  })

  test('of biases are looked at too', () => {
    const biased = (id: number) =>
      prepared({
        ...count(3),
        sampling: {
          ...request().sampling,
          logitBias: [
            [0, 1],
            [id, 1],
          ],
        },
      })
    expect(biased(VOCAB - 1).ids).toHaveLength(3)
    expect(() => biased(VOCAB)).toThrow(refused('invalid_request', 'logit_bias'))
  })
})
