// Token tasks over real tokenizers: ids and texts both ways, a chat's prompt and its number of ids, and bounds.

import { describe, expect, it } from 'vitest'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { tokenTaskSliced, type TokenAnswer } from '../../src/answer/token-task.ts'
import { atOnce, SLICE_UNITS } from '../../src/lib/sliced.ts'
import type { TokenTask } from '../../src/protocol/tokens.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

/** Letters are tokens by name, so how many ids a text has at least is known. */
const tokenizer = byteTokenizer()
const idOf = (name: string) => (name.length === 1 ? name.charCodeAt(0) : tokenizer.idOf(name))
const bytes = { manifest: mockManifest(), tokenizer: { ...tokenizer, idOf } }
const done = (task: TokenTask, most = 1000, places = {}): TokenAnswer =>
  atOnce(tokenTaskSliced({ task, places }, bytes, most))
const encode = (text: string, more: object = {}): TokenTask => ({
  kind: 'encode',
  text,
  bos: false,
  names: true,
  pieces: false,
  ...more,
})
const chat = (content: string) => ({ kind: 'chat' as const, messages: [{ role: 'user', content }] })
const count = (prompt: Extract<TokenTask, { kind: 'count' }>['prompt']): TokenTask => ({
  kind: 'count',
  prompt,
})

describe('a text', () => {
  it('is its ids, behind BOS where that is asked for', () => {
    expect(done(encode('Hi'))).toEqual({ ids: [72, 105] })
    expect(done(encode('Hi', { bos: true }))).toEqual({ ids: [256, 72, 105] })
    expect(done(encode('Hi', { bos: true, names: false }))).toEqual({ ids: [256, 72, 105] })
    expect(done(encode(''))).toEqual({ ids: [] })
  })

  it('has pieces, bytes where they are no whole characters, names of special tokens', () => {
    const { pieces } = done(encode('aé', { bos: true, pieces: true }))
    expect(pieces).toEqual(['<bos>', 'a', [0xc3], [0xa9]])
  })

  it('comes back from its ids', () => {
    for (const text of ['Hi', 'a\u{1f30d}é\n', '']) {
      const { ids = [] } = done(encode(text, { names: false }))
      expect(done({ kind: 'decode', ids }).text).toBe(text)
    }
    expect(done({ kind: 'decode', ids: [256, 72, 257] }).text).toBe('<bos>H<end>')
  })

  it('of too many tokens is refused, a far longer one without being read', () => {
    const code = 'context_length_exceeded'
    expect(done(encode('a'.repeat(9)), 9).ids).toHaveLength(9)
    expect(() => done(encode('a'.repeat(10)), 9)).toThrow(expect.objectContaining({ code, param: 'content' }))
    expect(() => done({ kind: 'decode', ids: [1, 2] }, 1)).toThrow(
      expect.objectContaining({ code, param: 'tokens' }),
    )
    const unread = { ...bytes.tokenizer, encodeSliced: () => { throw new Error('it was read') } } // prettier-ignore
    const asked = { task: encode('a'.repeat(9 * 16 * 16 + 1)) }
    expect(() => atOnce(tokenTaskSliced(asked, { ...bytes, tokenizer: unread }, 9))).toThrow('at least')
  })

  it('gives the host its turn', () => {
    const ids = new Array<number>(SLICE_UNITS / 4).fill(72)
    const work = tokenTaskSliced({ task: { kind: 'decode', ids } }, bytes, Infinity)
    let turns = 0
    while (work.next().done !== true) turns++
    expect(turns).toBeGreaterThan(2)
  })

  it('of an id that the model has not is refused by its place', () => {
    const { vocab } = bytes.manifest.spec
    expect(done({ kind: 'decode', ids: [vocab - 1] }).text).toBeDefined()
    expect(() => done({ kind: 'decode', ids: [1, vocab] })).toThrow(`tokens[1] is ${vocab}`)
  })
})

describe('a chat', () => {
  it('is shown as its template renders it, with the beginning of the answer or without', () => {
    const prompt = chat('Hi')
    expect(done({ kind: 'render', prompt, opening: true })).toEqual({ text: '<user>Hi</><assistant>' })
    const template = mockManifest().chat.kind === 'jinja' ? '{{ messages[0].content }}{% if add_generation_prompt %}>{% endif %}' : '' // prettier-ignore
    const told = { ...bytes, manifest: { ...bytes.manifest, chat: { kind: 'jinja' as const, template } } }
    const shown = (opening: boolean) =>
      atOnce(tokenTaskSliced({ task: { kind: 'render', prompt, opening } }, told, 99)).text
    expect([shown(true), shown(false)]).toEqual(['Hi>', 'Hi'])
  })

  it('counts what a turn would be given, and is never cut', () => {
    const prompts = [
      chat('Hi'),
      { kind: 'text' as const, text: 'Hi' },
      { kind: 'ids' as const, ids: [1, 2, 3] },
    ]
    for (const prompt of prompts) {
      const { ids } = preparePrompt(request({ prompt }), bytes, { maxPrompt: 500, maxPositions: 500 })
      expect(done(count(prompt)).count).toBe(ids.length)
    }
    expect(done(count(chat('a'.repeat(5000))), 10_000).count).toBeGreaterThan(5000)
  })

  it('that is far too long is refused in the words of its client', () => {
    const long = chat('a'.repeat(9 * 16 * 16 + 1))
    const param = 'input'
    expect(() => done(count(long), 9, { prompt: 'input' })).toThrow(expect.objectContaining({ param }))
    expect(() => done({ kind: 'render', prompt: long, opening: true }, 9)).toThrow('messages')
  })
})
