// Every golden encoding and decoding: LLaMA from the tree, the other families where the golden folder is at hand.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TextStream } from '../../src/tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { FIXTURES, GOLDEN, HAS_GOLDEN, SMOLLM2, fromFolder, fromGguf, readGolden } from './support.ts'
import type { Golden } from './support.ts'

function expectGoldens(tokenizer: Tokenizer, golden: Golden, special = false): void {
  expect(golden.cases.length).toBeGreaterThan(40)
  for (const { text, ids, decoded, special_ids } of golden.cases) {
    expect({ text, ids: tokenizer.encode(text, { special }) }).toEqual({ text, ids })
    if (special_ids !== undefined) expect(tokenizer.encode(text, { special: true })).toEqual(special_ids)
    if (ids.some((id) => tokenizer.isSpecial(id))) continue // special tokens print nothing here
    expect(tokenizer.decode(ids)).toBe(decoded)
    expectStreamed(tokenizer, ids)
  }
  for (const { what, ids, text } of golden.decode_cases ?? []) {
    expect({ what, text: tokenizer.decode(ids) }).toEqual({ what, text })
    expectStreamed(tokenizer, ids)
  }
}

function expectStreamed(tokenizer: Tokenizer, ids: number[]): void {
  const stream = new TextStream(tokenizer)
  const parts = ids.map((id) => stream.push(id))
  expect(parts.join('') + stream.flush()).toBe(tokenizer.decode(ids))
  // Half a character never leaves: surrogates come in pairs.
  for (const part of parts) expect(part.isWellFormed()).toBe(true)
}

describe('LLaMA (tokenizer.model)', () => {
  const folder = join(FIXTURES, 'llama')

  it('holds every golden case', async () => expectGoldens(await fromFolder(folder), readGolden(folder)))

  it('knows its names, bytes and flags', async () => {
    const tokenizer = await fromFolder(folder)
    expect([tokenizer.vocabSize, tokenizer.bosId, tokenizer.eosId, tokenizer.addBos]).toEqual([
      1000,
      1,
      2,
      true,
    ])
    expect([...tokenizer.endIds]).toEqual([2])
    expect([tokenizer.idOf('<s>'), tokenizer.idOf('<0x0A>'), tokenizer.idOf('no such')]).toEqual([
      1,
      13,
      undefined,
    ])
    expect([...tokenizer.tokenBytes(13)]).toEqual([10])
    expect(tokenizer.tokenBytes(2)).toHaveLength(0)
    expect(tokenizer.tokenBytes(1000)).toHaveLength(0)
    for (let id = 0; id < 1000; id++) expect(tokenizer.idOf(tokenizer.nameOf(id))).toBe(id)
  })

  it('reads marks in text only when asked', async () => {
    const tokenizer = await fromFolder(folder)
    expect(tokenizer.encode('<s>hello</s>')).not.toContain(1)
    expect(tokenizer.encode('<s>hello</s>', { special: true })).toEqual([1, ...tokenizer.encode('hello'), 2])
  })

  it('keeps the leading space of text that goes on', async () => {
    const tokenizer = await fromFolder(folder)
    const [id] = tokenizer.encode('the')
    expect(tokenizer.nameOf(id).startsWith('\u2581')).toBe(true)
    expect(new TextStream(tokenizer, { continues: true }).push(id)).toBe(
      ` ${new TextStream(tokenizer).push(id)}`,
    )
  })
})

describe.skipIf(!HAS_GOLDEN)('golden folder (skipped without ../shared/golden or ISLET_GOLDEN)', () => {
  it.each(['llama', 'gemma3'])('%s from GGUF metadata', async (family) => {
    expectGoldens(await fromGguf(join(GOLDEN, family, 'vocab.gguf')), readGolden(join(GOLDEN, family)))
  })

  it.each(['baichuan1', 'baichuan2', 'chatglm2', 'chatglm3', 'gemma3'])(
    '%s from tokenizer.model',
    async (family) => {
      const folder = join(GOLDEN, family)
      expectGoldens(await fromFolder(folder), readGolden(folder))
    },
  )

  it('qwen2 from tokenizer.json', async () => {
    const folder = join(GOLDEN, 'qwen2')
    expectGoldens(await fromFolder(folder), readGolden(folder), true)
  })

  it('qwen2 from GGUF metadata', async () => {
    expectGoldens(await fromGguf(join(GOLDEN, 'qwen2/vocab.gguf')), readGolden(join(GOLDEN, 'qwen2')), true)
  })

  it('refuses a unigram model by name', async () => {
    const { readSentencePieceModel } = await import('../../src/packing/tokenizer-model.ts')
    const { readFileSync } = await import('node:fs')
    const file = readFileSync(join(GOLDEN, 'chatglm1/ice_text.model'))
    expect(() => readSentencePieceModel(file)).toThrow(/unigram|character map/)
  })
})

const missing = SMOLLM2 === undefined || !HAS_GOLDEN
describe.skipIf(missing)(
  'SmolLM2 (skipped without models/smollm2-135m-instruct or ISLET_SMOLLM2_GGUF, and the goldens)',
  () => {
    it('holds every golden case, parsed marks too', async () => {
      const { tokenizer } = await tokenizerOf(SMOLLM2 ?? '')
      expectGoldens(tokenizer, readGolden(join(GOLDEN, 'smollm2')))
      expect([tokenizer.vocabSize, tokenizer.eosId, tokenizer.addBos]).toEqual([49152, 2, false])
      expect([...tokenizer.endIds]).toEqual([0, 2])
    })
  },
)
