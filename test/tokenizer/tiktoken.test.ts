// qwen.tiktoken: special tokens by family and size, hostile files; vocab.json with merges.txt beside the same in one file.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { tokenizerFromTiktoken } from '../../src/packing/tokenizer-tiktoken.ts'
import { nameOfBytes } from '../../src/tokenizer/byte-map.ts'
import { FIXTURES, open } from './support.ts'

const FILE = readFileSync(join(FIXTURES, 'qwen1/qwen.tiktoken'), 'latin1')
const RANKS = 1000

const folder = (files: Record<string, unknown>) => async (name: string) => {
  const value = files[name]
  if (value === undefined) return undefined
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

const opened = async (config?: object, tokenizerConfig?: object) =>
  open(
    await tokenizerFromFolder(
      folder({ 'qwen.tiktoken': FILE, 'config.json': config, 'tokenizer_config.json': tokenizerConfig }),
    ),
  )

describe('special tokens', () => {
  it('follow the ranks: three marks and 205 extras in the first generation', async () => {
    const tokenizer = await opened()
    expect(tokenizer.vocabSize).toBe(RANKS + 208)
    expect([tokenizer.idOf('<|endoftext|>'), tokenizer.idOf('<|extra_204|>')]).toEqual([RANKS, RANKS + 207])
    expect([...tokenizer.endIds]).toEqual([RANKS, RANKS + 2])
    expect([tokenizer.eosId, tokenizer.addBos]).toEqual([RANKS, false])
    const text = '<|extra_7|><|im_start|>'
    expect(tokenizer.encode(text, { special: true })).toEqual([RANKS + 10, RANKS + 1])
    expect(Math.max(...tokenizer.encode(text))).toBeLessThan(RANKS)
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    expect(tokenizer.decode([RANKS + 10])).toBe('')
    expect(tokenizer.decode([RANKS + 10], { special: true })).toBe('<|extra_7|>')
  })

  it('are cut where the model has no rows for them, and have no extras in later generations', async () => {
    expect((await opened({ model_type: 'qwen', vocab_size: RANKS + 10 })).vocabSize).toBe(RANKS + 10)
    const later = await opened({ model_type: 'qwen2', vocab_size: 2000, eos_token_id: RANKS + 2 })
    expect([later.vocabSize, later.idOf('<|extra_0|>')]).toEqual([RANKS + 3, undefined])
  })

  it('are not known of other families', async () => {
    await expect(opened(undefined, { tokenizer_class: 'ChatGLM4Tokenizer' })).rejects.toMatchObject({
      code: 'unsupported_format',
      message: expect.stringContaining('ChatGLM4Tokenizer'),
    })
  })

  it('normalises to NFC', async () => {
    const tokenizer = await opened()
    expect(tokenizer.encode('e\u0301')).toEqual(tokenizer.encode('\u00e9'))
  })
})

describe('hostile files', () => {
  const lines = FILE.trimEnd().split('\n')
  const facts = { tokenizerClass: undefined, modelType: undefined, vocabSize: undefined }

  it.each([
    ['an empty file', ''],
    ['no rank', FILE.replace(' 5\n', '\n')],
    ['what is not base64', FILE.replace(lines[300], '!!!! 300')],
    ['base64 of a wrong length', FILE.replace(lines[300], 'YWJjZ 300')],
    ['a rank that is far away', FILE.replace(lines[300], lines[300].replace(' 300', ' 9999999'))],
    ['a rank that comes twice', FILE.replace(lines[300], lines[300].replace(' 300', ' 301'))],
    ['a token that comes twice', FILE.replace(lines[300], lines[301].replace(' 301', ' 300'))],
    ['a gap', lines.filter((_line, i) => i !== 300).join('\n')],
    ['a byte without a token', FILE.replace(lines[0], `${btoa('not a byte')} 0`)],
    ['a line without end', `${'A'.repeat(100_000)} 0`],
  ])('are refused: %s', (_name, text) => {
    const file = new TextEncoder().encode(text)
    expect(() => tokenizerFromTiktoken(file, facts)).toThrow(
      expect.objectContaining({ code: 'invalid_file' }),
    )
  })
})

describe('vocab.json and merges.txt', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => nameOfBytes(Uint8Array.of(byte)))
  const merges = ['a b', 'Ġ ab', '# #']
  const vocab = Object.fromEntries([...bytes, 'ab', 'Ġab', '##'].map((name, id) => [name, id]))
  const files = {
    'vocab.json': vocab,
    'merges.txt': `#version: 0.2\n${merges.join('\n')}\n`,
    'tokenizer_config.json': {
      tokenizer_class: 'Qwen2Tokenizer',
      eos_token: '<|im_end|>',
      added_tokens_decoder: { 259: { content: '<|im_end|>', special: true }, 260: { content: '<think>' } },
    },
  }

  it('are one tokenizer', async () => {
    const tokenizer = open(await tokenizerFromFolder(folder(files)))
    expect(tokenizer.encode('ab ab##12')).toEqual([256, 257, 258, vocab['1'], vocab['2']])
    expect(tokenizer.encode('<think><|im_end|>', { special: true })).toEqual([260, 259])
    expect(tokenizer.encode('<think><|im_end|>').slice(0, 2)).toEqual([260, vocab['<']])
    expect([...tokenizer.endIds]).toEqual([259])
    expect(tokenizer.encode('e\u0301')).toEqual(tokenizer.encode('\u00e9'))
  })

  it.each([
    [
      'a class that is not known',
      { ...files, 'tokenizer_config.json': { tokenizer_class: 'RobertaTokenizer' } },
    ],
    ['no class', { ...files, 'tokenizer_config.json': undefined }],
  ])('are refused with %s', async (_name, changed) => {
    await expect(tokenizerFromFolder(folder(changed))).rejects.toMatchObject({ code: 'unsupported_format' })
  })

  it('are refused with one of them missing', async () => {
    await expect(tokenizerFromFolder(folder({ ...files, 'merges.txt': undefined }))).rejects.toMatchObject({
      code: 'invalid_file',
    })
  })
})
