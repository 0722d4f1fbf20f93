// Tokenizers of all families encode and decode as the originals do, from each file a checkpoint may have.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TextStream } from '../../src/tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { CUT, familiesIn, GOLDEN } from '../helpers/golden.ts'
import { FIXTURES, SMOLLM2, fromFolder, readGolden } from './support.ts'
import type { Golden } from './support.ts'

/** Families whose `ids` have the special tokens in the text parsed. */
const PARSED = /qwen/

function expectGoldens(tokenizer: Tokenizer, golden: Golden, family: string): void {
  expect(golden.cases.length).toBeGreaterThan(40)
  for (const c of golden.cases) {
    const { text, ids, decoded } = c
    const encoded = (special: boolean): { text: string; ids: number[] } => ({
      text,
      ids: tokenizer.encode(text, { special: special && 'original' }),
    })
    if (PARSED.test(family)) {
      expect(encoded(true)).toEqual({ text, ids })
      if (c.no_special_ids !== undefined) expect(encoded(false)).toEqual({ text, ids: c.no_special_ids })
    } else if (c.sentencepiece_ids === undefined) expect(encoded(false)).toEqual({ text, ids })
    else {
      expect(encoded(false)).toEqual({ text, ids: c.sentencepiece_ids })
      expect(encoded(true)).toEqual({ text, ids })
    }
    if (c.special_ids !== undefined) expect(encoded(true)).toEqual({ text, ids: c.special_ids })
    if (family === 'chatglm3')
      expect(encoded(true)).toEqual({ text, ids: c.encode_special_tokens_ids ?? ids })
    expect(tokenizer.decode(ids, { special: true })).toBe(decoded)
    expectStreamed(tokenizer, ids)
  }
  for (const { what, ids, text } of golden.decode_cases ?? []) {
    expect({ what, text: tokenizer.decode(ids) }).toEqual({ what, text })
    expectStreamed(tokenizer, ids)
  }
  for (const [name, id] of Object.entries({ ...golden.special, ...golden.added_tokens }))
    expect([name, tokenizer.idOf(name)]).toEqual([name, id])
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

  it('holds every golden case', async () =>
    expectGoldens(await fromFolder(folder), readGolden(folder), 'llama'))

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

/** What each family's golden folder holds, each to be opened alone; '' is the folder itself. */
const FORMS: Record<string, string[]> = {
  llama: ['', 'tokenizer.model', 'vocab.gguf'],
  baichuan1: ['', 'tokenizer.model', 'vocab.gguf'],
  baichuan2: ['', 'tokenizer.model', 'vocab.gguf'],
  chatglm1: ['', 'ice_text.model'],
  chatglm2: ['', 'tokenizer.model', 'vocab.gguf'],
  chatglm3: ['', 'tokenizer.model', 'vocab.gguf'],
  qwen1: ['', 'qwen.tiktoken', 'vocab.gguf'],
  qwen2: ['', 'tokenizer.json', 'vocab.json', 'vocab.gguf'],
  gemma3: ['', 'tokenizer.model', 'vocab.gguf'],
}

describe('golden folder', () => {
  const forms = Object.entries(FORMS).flatMap(([family, files]) => files.map((file) => [family, file]))

  it.each(forms)('%s %s', async (family, file) => {
    const { tokenizer } = await tokenizerOf(join(FIXTURES, family, file))
    expectGoldens(tokenizer, readGolden(join(FIXTURES, family)), family)
  })

  const models = [CUT, join(GOLDEN, 'open')].flatMap((set) =>
    familiesIn(set).map((family) => join(set, family)),
  )
  it.each(models.filter((folder) => readdirSync(folder).some((name) => name.endsWith('.gguf'))))(
    'model folder %s: the tokenizer file and the GGUF files agree',
    async (folder) => {
      const { tokenizer } = await tokenizerOf(folder)
      const texts = readGolden(join(FIXTURES, 'qwen2')).cases.map((c) => c.text)
      for (const file of readdirSync(folder).filter((name) => name.endsWith('.gguf'))) {
        const other = (await tokenizerOf(join(folder, file))).tokenizer
        expect([file, other.addBos, [...other.endIds]]).toEqual([
          file,
          tokenizer.addBos,
          [...tokenizer.endIds],
        ])
        for (const text of texts) {
          for (const special of [false, 'original'] as const)
            expect(other.encode(text, { special })).toEqual(tokenizer.encode(text, { special }))
        }
      }
    },
  )
})

describe.skipIf(SMOLLM2 === undefined)(
  'SmolLM2 (skipped without models/smollm2-135m-instruct or ISLET_SMOLLM2_GGUF)',
  () => {
    it('holds every golden case, parsed marks too', async () => {
      const { tokenizer } = await tokenizerOf(SMOLLM2 ?? '')
      expectGoldens(tokenizer, readGolden(join(FIXTURES, 'smollm2')), 'smollm2')
      expect([tokenizer.vocabSize, tokenizer.eosId, tokenizer.addBos]).toEqual([49152, 2, false])
      expect([...tokenizer.endIds]).toEqual([0, 2])
    })
  },
)
