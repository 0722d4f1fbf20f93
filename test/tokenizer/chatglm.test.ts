// ChatGLM: white space, special tokens and ids as the settings beside the model say; Baichuan's way with special tokens.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { atOnce, Budget } from '../../src/lib/sliced.ts'
import { tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { nameWhiteSpace } from '../../src/tokenizer/chatglm.ts'
import { cleanUp } from '../../src/tokenizer/clean-up.ts'
import { TextStream } from '../../src/tokenizer/stream-decoder.ts'
import { FIXTURES, open, readGolden, seeded } from './support.ts'

/** A fixture with some of its files replaced; undefined takes one away. */
async function opened(family: string, changes: Record<string, object | string | undefined> = {}) {
  const folder = join(FIXTURES, family)
  return open(
    await tokenizerFromFolder(async (name) => {
      if (name in changes) {
        const value = changes[name]
        if (value === undefined) return undefined
        return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
      }
      return existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined
    }),
  )
}

describe('ChatGLM-1', () => {
  const SOP = 1004
  const CLASS = { tokenizer_class: 'ChatGLMTokenizer' }

  it('names white space, the longest blanks first', () => {
    const named = (text: string): string => atOnce(nameWhiteSpace(text, new Budget()))
    expect(named(`a b\n\t  ${'c'}`)).toBe('a b<n><|tab|><|blank_2|>c')
    expect(named(' '.repeat(81))).toBe('<|blank_80|> ')
    expect(named(' '.repeat(163))).toBe('<|blank_80|><|blank_80|><|blank_3|>')
  })

  it('gives white space back', async () => {
    const tokenizer = await opened('chatglm1')
    for (const text of ['x\n\ty', 'a     b', `q${' '.repeat(200)}r\n`, '\n', 'if x:\n    y = 1\n']) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
      const stream = new TextStream(tokenizer)
      const parts = tokenizer.encode(text).map((id) => stream.push(id))
      expect(parts.join('') + stream.flush()).toBe(text)
    }
  })

  it('keeps names of special tokens as text, and reads them when asked', async () => {
    const tokenizer = await opened('chatglm1')
    const plain = tokenizer.encode('[gMASK]<sop><eop>')
    for (const name of ['[gMASK]', '<sop>', '<eop>']) expect(plain).not.toContain(tokenizer.idOf(name))
    expect(tokenizer.encode('[gMASK]<sop>', { special: true })).toEqual([1001, SOP])
    expect([...tokenizer.endIds]).toEqual([1005])
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.addBos]).toEqual([SOP, 1005, false])
  })

  it.each([
    ['config.json', { 'config.json': { bos_token_id: SOP + 20_000, eos_token_id: SOP + 20_001 } }, 20_000],
    ['config.json of the second release', { 'config.json': { bos_token_id: SOP, eos_token_id: SOP + 1 } }, 0],
    ['num_image_tokens', { 'tokenizer_config.json': { ...CLASS, num_image_tokens: 7 } }, 7],
    ['a first tokenizer_config.json', { 'tokenizer_config.json': { ...CLASS, eos_token: '</s>' } }, 20_000],
    ['no settings', { 'tokenizer_config.json': undefined }, 0],
    ['a config of other ids', { 'config.json': { bos_token_id: 5, eos_token_id: 9 } }, 0],
  ])('learns the offset of ids from %s', async (_name, changes, offset) => {
    const tokenizer = await opened('chatglm1', changes)
    for (const { text, ids, decoded } of readGolden(join(FIXTURES, 'chatglm1')).cases.slice(0, 30)) {
      const shifted = ids.map((id) => id + offset)
      expect(tokenizer.encode(text)).toEqual(shifted)
      expect(tokenizer.decode(shifted)).toBe(decoded)
    }
    expect([tokenizer.vocabSize, tokenizer.idOf('<sop>'), tokenizer.bosId]).toEqual([
      1344 + offset,
      SOP + offset,
      SOP + offset,
    ])
    expect(tokenizer.endIds.has(SOP + 1 + offset)).toBe(true)
    expect([tokenizer.nameOf(SOP + offset), tokenizer.isSpecial(SOP + offset)]).toEqual(['<sop>', true])
    if (offset > 0) expect([tokenizer.nameOf(0), tokenizer.isSpecial(offset - 1)]).toEqual(['', true])
  })

  it('refuses what it does not do', async () => {
    const lower = { 'tokenizer_config.json': { ...CLASS, do_lower_case: true } }
    await expect(opened('chatglm1', lower)).rejects.toMatchObject({ code: 'unsupported_format' })
    const many = { 'tokenizer_config.json': { ...CLASS, num_image_tokens: -1 } }
    await expect(opened('chatglm1', many)).rejects.toMatchObject({ code: 'invalid_file' })
  })
})

describe('ChatGLM2 and 3', () => {
  it('append their tokens, which text gives only when asked', async () => {
    const tokenizer = await opened('chatglm3')
    const text = '<|user|>[gMASK] gossip sop'
    expect(Math.max(...tokenizer.encode(text))).toBeLessThan(1030)
    // The family's own tokenizer reads roles alone; a template is read in full.
    const own = tokenizer.encode(text, { special: 'original' })
    expect([own[0], own.includes(1031), own.includes(1033)]).toEqual([1036, false, false])
    expect(tokenizer.encode('[gMASK]sop<|user|>', { special: true })).toEqual([1031, 1033, 1036])
    expect([...tokenizer.endIds]).toEqual([2, 1036, 1038])
    expect(tokenizer.addBos).toBe(false)
  })

  it('are told apart by name or code, and have all tokens where nothing does', async () => {
    const named = await opened('chatglm3', { 'config.json': { _name_or_path: 'THUDM/chatglm2-6b' } })
    const coded = await opened('chatglm3', { 'tokenization_chatglm.py': 'special_tokens = ["sop", "eop"]' })
    for (const second of [named, coded]) {
      expect([second.vocabSize, second.idOf('eop'), second.idOf('<|user|>')]).toEqual([1035, 1034, undefined])
      expect(second.encode('<|user|>', { special: 'original' })).toEqual(second.encode('<|user|>'))
    }
    const third = await opened('chatglm3', { 'config.json': { _name_or_path: 'THUDM/chatglm3-6b' } })
    expect(third.vocabSize).toBe(1039)
  })

  it('are known by config.json where no tokenizer class is named', async () => {
    const changes = { 'tokenizer_config.json': undefined, 'config.json': { model_type: 'chatglm' } }
    expect((await opened('chatglm3', changes)).idOf('[gMASK]')).toBe(1031)
  })
})

describe('Baichuan', () => {
  it('reads special tokens without the white space beside them, and keeps its symbols whole', async () => {
    const tokenizer = await opened('baichuan1')
    const hello = tokenizer.encode('hello')
    expect(tokenizer.encode(' <s>  hello </s>', { special: 'original' })).toEqual([1, ...hello, 2])
    expect(tokenizer.encode('<s>hello')).not.toContain(1)
    expect(tokenizer.encode('<reserved_102>hello')).toEqual([195, ...hello])
  })

  it('gives no symbol from literal text', async () => {
    const tokenizer = await opened('baichuan1')
    const ids = tokenizer.encode('<reserved_102>hello', { literal: true })
    expect(ids).not.toContain(195)
    expect(tokenizer.decode(ids)).toBe('<reserved_102>hello')
  })
})

describe('cleaning up spaces', () => {
  it('equals the replacements in turn, wherever the text is cut', () => {
    const below = seeded(9)
    const parts = [' ', ' ', "'", '.', ',', '!', '?', "n't", "'s", "'ve", "'re", "'m", 'a', " ' ", "n'"]
    const turns = [' .', ' ?', ' !', ' ,', " ' ", " n't", " 'm", " 's", " 've", " 're"]
    for (let round = 0; round < 2000; round++) {
      const pieces = Array.from({ length: below(12) }, () => parts[below(parts.length)])
      const expected = turns.reduce((text, turn) => text.replaceAll(turn, turn.trim()), pieces.join(''))
      const filter = cleanUp()
      const text = pieces.map((piece) => filter.push(piece)).join('') + filter.flush()
      expect([pieces, text]).toEqual([pieces, expected])
    }
  })
})
