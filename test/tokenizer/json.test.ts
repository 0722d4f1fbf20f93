// tokenizer.json: the same vocabulary as another format gives the same ids, and parts that are not known are refused.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chatFromFolder, tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { readSentencePieceModel } from '../../src/packing/tokenizer-model.ts'
import { tokenizerFromGguf } from '../../src/packing/tokenizer-gguf.ts'
import { FIXTURES, byteLevelMetadata, open, readGolden } from './support.ts'

type Files = Record<string, unknown>

const folder = (files: Files) => async (name: string) => {
  const value = files[name]
  if (value === undefined) return undefined
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false }
const DIGITS = { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, BYTE_LEVEL] }

/** A byte-level tokenizer.json with the vocabulary of byteLevelMetadata. */
function byteLevelJson(pairs: [string, string][], more: Files = {}): Files {
  const tokens = byteLevelMetadata(pairs)['tokenizer.ggml.tokens'] as string[]
  const added = tokens.flatMap((content, id) =>
    id < 3 || content === '<tool_call>' ? [{ id, content, special: id < 3 }] : [],
  )
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]).slice(3, -1))
  return {
    model: { type: 'BPE', vocab, merges: pairs.map((pair) => pair.join(' ')) },
    pre_tokenizer: DIGITS,
    added_tokens: added,
    ...more,
  }
}

describe('byte-level', () => {
  const pairs: [string, string][] = [['a', 'b'], ['ab', 'ab'], ['Ġ', 'ab']] // prettier-ignore

  it('equals the same vocabulary from GGUF', async () => {
    const fromJson = open(await tokenizerFromFolder(folder({
      'tokenizer.json': byteLevelJson(pairs),
      'tokenizer_config.json': { eos_token: { content: '<|im_end|>' }, bos_token: '<|im_start|>' },
      'generation_config.json': { eos_token_id: [2, 0] },
    }))) // prettier-ignore
    const fromGguf = open(tokenizerFromGguf(byteLevelMetadata(pairs)))
    for (const text of ['', 'abab ab 12', '<|im_end|> <tool_call>\u4f60', ' \n\n x']) {
      for (const special of [false, true]) {
        expect(fromJson.encode(text, { special })).toEqual(fromGguf.encode(text, { special }))
      }
    }
    expect([fromJson.eosId, fromJson.bosId, fromJson.addBos, [...fromJson.endIds]]).toEqual([
      2,
      1,
      false,
      [0, 2],
    ])
  })

  it('adds BOS where the post-processor does', async () => {
    const single = [
      { SpecialToken: { id: '<|im_start|>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
    ]
    const files = {
      'tokenizer.json': byteLevelJson(pairs, { post_processor: { type: 'TemplateProcessing', single } }),
      'tokenizer_config.json': { bos_token: '<|im_start|>' },
    }
    expect(open(await tokenizerFromFolder(folder(files))).addBos).toBe(true)
  })

  it.each([
    [
      'an unknown pre-tokenizer',
      { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Punctuation' }, BYTE_LEVEL] } },
    ],
    ['an unknown normalizer', { normalizer: { type: 'Lowercase' } }],
    ['another model', { model: { type: 'WordPiece', vocab: {} } }],
    ['a token that swallows spaces', { added_tokens: [{ id: 0, content: '<x>', lstrip: true }] }],
  ])('refuses %s', async (_name, more) => {
    const files = folder({ 'tokenizer.json': byteLevelJson(pairs, more) })
    await expect(tokenizerFromFolder(files)).rejects.toMatchObject({ code: 'unsupported_format' })
  })

  it.each([
    ['no tokenizer', {}],
    ['text that is not JSON', { 'tokenizer.json': '{' }],
    [
      'an added token far away',
      { 'tokenizer.json': byteLevelJson(pairs, { added_tokens: [{ id: 1e6, content: 'x' }] }) },
    ],
    ['an id that is none', { 'tokenizer.json': { model: { type: 'BPE', vocab: { a: -1 }, merges: [] } } }],
  ])('refuses %s as damage', async (_name, files) => {
    await expect(tokenizerFromFolder(folder(files))).rejects.toMatchObject({ code: 'invalid_file' })
  })
})

describe('characters with byte fallback', () => {
  const llama = join(FIXTURES, 'llama')
  const { pieces } = readSentencePieceModel(readFileSync(join(llama, 'tokenizer.model')))
  const vocab = new Map(pieces.map((piece, id) => [piece.name, id]))

  /** Merges as Hugging Face's converter writes them: every split of every piece, the best score first. */
  function convertedMerges(): string[] {
    const merges: { pair: string; score: number }[] = []
    for (const { name, score, type } of pieces) {
      if (type !== 1) continue
      const characters = [...name]
      for (let cut = 1; cut < characters.length; cut++) {
        const left = characters.slice(0, cut).join('')
        const right = characters.slice(cut).join('')
        if (vocab.has(left) && vocab.has(right)) merges.push({ pair: `${left} ${right}`, score })
      }
    }
    return merges.toSorted((a, b) => b.score - a.score).map((merge) => merge.pair)
  }

  const model = {
    type: 'BPE',
    vocab: Object.fromEntries(vocab),
    merges: convertedMerges(),
    unk_token: '<unk>',
    byte_fallback: true,
  }
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }
  const added = ['<unk>', '<s>', '</s>'].map((content, id) => ({ id, content, special: true }))

  it.each([
    [
      'Prepend',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '\u2581' }, replace] } },
    ],
    [
      'Metaspace',
      { pre_tokenizer: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first', split: false } },
    ],
  ])('holds the goldens of the original (%s)', async (_name, parts) => {
    const files = {
      'tokenizer.json': { model, added_tokens: added, ...parts },
      'tokenizer_config.json': { bos_token: '<s>', eos_token: '</s>', add_bos_token: true },
    }
    const tokenizer = open(await tokenizerFromFolder(folder(files)))
    const { cases, decode_cases = [] } = readGolden(llama)
    for (const { text, ids, decoded } of cases) {
      expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids })
      expect(tokenizer.decode(ids)).toBe(decoded)
    }
    for (const { ids, text } of decode_cases) expect(tokenizer.decode(ids)).toBe(text)
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.addBos]).toEqual([1, 2, true])
  })
})

describe('chat template of a folder', () => {
  it('prefers the file, then the default of several', async () => {
    const several = [{ name: 'rag', template: 'r' }, { name: 'default', template: 'd' }] // prettier-ignore
    const config = { 'tokenizer_config.json': { chat_template: several } }
    expect(await chatFromFolder(folder({ ...config, 'chat_template.jinja': 'f' }))).toEqual({
      kind: 'jinja',
      template: 'f',
    })
    expect(await chatFromFolder(folder(config))).toEqual({ kind: 'jinja', template: 'd' })
    expect(await chatFromFolder(folder({}))).toEqual({ kind: 'none' })
  })

  it('has the one for tools from a list, or from a folder beside the file', async () => {
    const several = [{ name: 'tool_use', template: 't' }, { name: 'default', template: 'd' }] // prettier-ignore
    const config = { 'tokenizer_config.json': { chat_template: several } }
    expect(await chatFromFolder(folder(config))).toEqual({ kind: 'jinja', template: 'd', toolTemplate: 't' })
    const files = { 'chat_template.jinja': 'f', 'additional_chat_templates/tool_use.jinja': 'u' }
    const beside = { kind: 'jinja', template: 'f', toolTemplate: 'u' }
    expect(await chatFromFolder(folder({ ...config, ...files }))).toEqual(beside)
    expect(await chatFromFolder(folder({ ...config, 'chat_template.jinja': 'f' }))).toEqual({
      kind: 'jinja',
      template: 'f',
    })
  })
})
