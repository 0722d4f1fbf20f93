// Byte-level BPE against a plain reference, on long hostile input, and what packing refuses.

import { describe, expect, it } from 'vitest'
import { atOnce, Budget } from '../../src/lib/sliced.ts'
import { tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { preTokenizer } from '../../src/tokenizer/pre-tokenizers.ts'
import { CHATML, byteLevelMetadata, open, seeded } from './support.ts'

const MERGES: [string, string][] = [
  ['a', 'b'], ['b', 'a'], ['a', 'a'], ['ab', 'a'], ['aa', 'aa'], ['Ġ', 'a'], ['Ġa', 'b'], ['Ġ', 'Ġ'], ['ĠĠ', 'ĠĠ'],
  ['c', 'ab'], ['b', 'b'], ['ba', 'b'], ['aaaa', 'aaaa'], ['Ġab', 'ba'], ['h', 'i'],
] // prettier-ignore

/** Merging as the definition says: the lowest rank anywhere, leftmost first, until none applies. */
function slowMerge(piece: string): string[] {
  let parts = [...piece].map((c) => (c === ' ' ? 'Ġ' : c))
  for (;;) {
    let best: [rank: number, at: number] | undefined
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = MERGES.findIndex(([left, right]) => left === parts[i] && right === parts[i + 1])
      if (rank >= 0 && (best === undefined || rank < best[0])) best = [rank, i]
    }
    if (best === undefined) return parts
    parts = parts.toSpliced(best[1], 2, parts[best[1]] + parts[best[1] + 1])
  }
}

describe('merging', () => {
  const tokenizer = open(tokenizerFromGguf(byteLevelMetadata(MERGES)))

  it('equals the definition on random text', () => {
    const below = seeded(7)
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: below(40) }, () => 'aaabbbc  '[below(9)]).join('')
      const expected: string[] = []
      const take = (piece: string): undefined => void expected.push(...slowMerge(piece))
      atOnce(preTokenizer('smollm')(text, take, new Budget()))
      expect(tokenizer.encode(text).map((id) => tokenizer.nameOf(id))).toEqual(expected)
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    }
  })

  it.each([
    ['one letter', 'a'],
    ['spaces', ' '],
    ['two letters', 'ab'],
    ['newlines and spaces', ' \n'],
    ['Chinese', '\u4f60\u597d'],
  ])('takes 400 KB without a cut: %s', (_name, unit) => {
    const text = unit.repeat(400_000 / unit.length)
    const start = performance.now()
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    // n log n takes well under a second, quadratic time many minutes; the rest is for busy machines.
    expect(performance.now() - start).toBeLessThan(15_000)
  })

  it('round-trips any bytes and any text', () => {
    const below = seeded(3)
    for (let round = 0; round < 100; round++) {
      const text = Array.from({ length: 20 }, () => String.fromCodePoint(below(0xd800))).join('')
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    }
    expect(tokenizer.decode(tokenizer.encode('\ud800!'))).toBe('\ufffd!')
  })

  it('keeps special tokens out of plain text, and user-defined ones in', () => {
    const text = 'hi<|im_end|><tool_call>'
    expect(tokenizer.encode(text, { special: true }).map((id) => tokenizer.nameOf(id))).toEqual([
      'hi',
      '<|im_end|>',
      '<tool_call>',
    ])
    const plain = tokenizer.encode(text)
    for (const name of CHATML) expect(plain).not.toContain(tokenizer.idOf(name))
    expect(plain.at(-1)).toBe(tokenizer.idOf('<tool_call>'))
    expect(tokenizer.decode(plain)).toBe(text)
    expect([...tokenizer.endIds]).toEqual([0, 2])
  })
})

describe('packing', () => {
  it('names a pre-tokenizer it does not know', () => {
    const make = (pre: unknown) => () =>
      tokenizerFromGguf(byteLevelMetadata([], { 'tokenizer.ggml.pre': pre }))
    expect(make('no-such-pre')).toThrow(
      expect.objectContaining({
        code: 'unsupported_format',
        message: expect.stringContaining('no-such-pre'),
      }),
    )
    expect(make(undefined)).toThrow(expect.objectContaining({ code: 'unsupported_format' }))
    expect(make('constructor')).toThrow(expect.objectContaining({ code: 'unsupported_format' }))
  })

  it.each([
    ['a merge of unknown tokens', { 'tokenizer.ggml.merges': ['x y'] }],
    ['a merge without a space', { 'tokenizer.ggml.merges': ['xy'] }],
    ['tokens of the wrong type', { 'tokenizer.ggml.tokens': [1, 2] }],
    ['too few types', { 'tokenizer.ggml.token_type': [1] }],
    ['a type out of range', { 'tokenizer.ggml.token_type': new Array<number>(260).fill(9) }],
  ])('refuses %s', (_name, more) => {
    expect(() => writeTokenizer(tokenizerFromGguf(byteLevelMetadata([], more)))).toThrow(
      expect.objectContaining({ code: 'invalid_file' }),
    )
  })

  it('makes marks control tokens even if the file calls them user-defined', () => {
    const types = Array.from({ length: 260 }, (_, id) => (id < 3 || id === 259 ? 4 : 1))
    const tokenizer = open(tokenizerFromGguf(byteLevelMetadata([], { 'tokenizer.ggml.token_type': types })))
    expect(tokenizer.encode('<|im_start|>')).not.toContain(1)
    expect(tokenizer.isSpecial(1)).toBe(true)
  })

  it('takes a whole token before merging for LLaMA 3 alone', () => {
    // `abab` is a token that no merge makes.
    const metadata = (pre: string) => {
      const base = byteLevelMetadata([['a', 'b']], { 'tokenizer.ggml.pre': pre })
      const tokens = [...(base['tokenizer.ggml.tokens'] as string[]), 'abab']
      const types = [...(base['tokenizer.ggml.token_type'] as number[]), 1]
      return { ...base, 'tokenizer.ggml.tokens': tokens, 'tokenizer.ggml.token_type': types }
    }
    const names = (pre: string) => {
      const tokenizer = open(tokenizerFromGguf(metadata(pre)))
      return tokenizer.encode('abab').map((id) => tokenizer.nameOf(id))
    }
    expect(names('llama-bpe')).toEqual(['abab'])
    expect(names('gpt-2')).toEqual(['ab', 'ab'])
  })
})

describe('pre-tokenizers', () => {
  const pieces = (name: string, text: string): string[] => {
    const out: string[] = []
    atOnce(preTokenizer(name)(text, (piece) => void out.push(piece), new Budget()))
    return out
  }

  it.each([
    ['smollm', "don't stop  12 x!?", ['don', "'t", ' stop', '  ', '1', '2', ' x', '!?']],
    ['gpt-2', 'a  123 b\n\n c', ['a', ' ', ' 123', ' b', '\n\n', ' c']],
    ['qwen2', "HE'LL say (hi)\n\n 12", ['HE', "'LL", ' say', ' (', 'hi', ')\n\n', ' ', '1', '2']],
    ['llama-bpe', 'x 12345', ['x', ' ', '123', '45']],
    // U+FEFF is no white space for Unicode, U+0085 is; JavaScript has it the other way round.
    ['gpt-2', 'a\u0085b \ufeff', ['a', '\u0085', 'b', ' \ufeff']],
  ])('%s cuts %j', (name, text, expected) => {
    expect(pieces(name, text)).toEqual(expected)
    expect(expected.join('')).toBe(text)
  })
})
