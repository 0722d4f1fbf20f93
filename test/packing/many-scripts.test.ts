// A trimmed real vocabulary decodes a megabyte in many scripts to what the whole one makes of it.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { vocabularyFile } from '../../cli/lib/pull.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { chooseBy, tokenizerOf } from '../../src/packing/vocabulary/choice.ts'
import { chooseIds, countIds } from '../../src/packing/vocabulary/choose-ids.ts'
import { readVocabulary } from '../../src/packing/vocabulary/vocabulary-file.ts'
import { parseTokenizer } from '../../src/tokenizer/format.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { manyScripts } from '../helpers/many-scripts.ts'
import { QWEN25_TOKENIZER } from '../helpers/qwen2.5.ts'
import { GEMMA_GGUF, missingGemma, missingModel, REAL_GGUF } from '../helpers/real-model.ts'
import { keptRows, trimmingOf, unreachedIds, type Trimming } from '../helpers/trimming.ts'

const MEGABYTE = 1_000_000

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** Words of a text, and names that are tokens in some vocabularies. */
const WORDS = [
  ...README.split(/\s+/).filter((word) => word !== ''),
  ...['<|im_end|>', '<tool_call>', '<table>', '<unused7>', '<0x0A>', '<s>', '[multimodal]'],
]

async function ofQwen(): Promise<Trimming> {
  const read = (name: string): Promise<Uint8Array | undefined> => {
    const path = join(QWEN25_TOKENIZER, name)
    return Promise.resolve(existsSync(path) ? readFileSync(path) : undefined)
  }
  const bytes = writeTokenizer(await tokenizerFromFolder(read))
  const whole = readTokenizer(bytes)
  const vocabulary = new Vocabulary(parseTokenizer(bytes))
  return trimmingOf(bytes, chooseIds(vocabulary, whole, { kind: 'none' }, countIds(whole, [README]), 20_000))
}

/** Of the ids in the choice that is shipped. */
async function ofGemma(): Promise<Trimming> {
  const source = await openSource(GEMMA_GGUF)
  const { kept } = await readVocabulary(source, readFileSync(vocabularyFile('gemma-3-270m-en'), 'utf8'))
  const trimming = trimmingOf(await tokenizerOf(source), kept)
  await source.close()
  return trimming
}

async function ofSmolLm(): Promise<Trimming> {
  const source = await openSource(REAL_GGUF)
  const { kept } = await chooseBy(source, 'readme', [README], 16_384)
  const trimming = trimmingOf(await tokenizerOf(source), kept)
  await source.close()
  return trimming
}

/** A model's trimming, why it is not here, and what its whole vocabulary makes of a text. */
type Case = {
  model: string
  open: () => Promise<Trimming>
  skip?: string
  kept: number
  /** Kept ids that are whole characters. */
  texts: number
  /** Left out: bytes that it has no token for are lost. */
  written?: (text: string) => string
}

const CASES: readonly Case[] = [
  { model: 'Qwen 2.5', open: ofQwen, kept: 20_000, texts: 19_000, written: (text) => text.normalize('NFC') },
  {
    model: 'Gemma 3 270M',
    open: ofGemma,
    skip: missingGemma([GEMMA_GGUF]),
    kept: 49_152,
    texts: 34_000,
    written: (text) => text.replaceAll('\u2581', ' '),
  },
  { model: 'SmolLM2', open: ofSmolLm, skip: missingModel(REAL_GGUF), kept: 16_384, texts: 16_000 },
]

for (const { model, open, skip, kept, texts, written } of CASES) {
  const title = `a part of the vocabulary of ${model}${skip === undefined ? '' : ` (${skip})`}`

  describe.skipIf(skip !== undefined)(title, () => {
    let trimming: Trimming
    beforeAll(async () => void (trimming = await open()))

    it('gives a megabyte in many scripts back as the whole one does', () => {
      const { whole, trimmed } = trimming
      const text = manyScripts(7, MEGABYTE, WORDS)
      expect(Buffer.byteLength(text)).toBe(MEGABYTE)
      expect(text.isWellFormed()).toBe(true)
      const [ids, rows] = [whole.encode(text), trimmed.encode(text)]
      expect(keptRows(trimming, ids)).toBeUndefined()
      expect(rows.length).toBeGreaterThan(ids.length)
      const wanted = whole.decode(ids)
      expect(difference(trimmed.decode(rows), wanted)).toBeUndefined()
      if (written !== undefined) expect(difference(wanted, written(text))).toBeUndefined()
    })

    it("has each kept id's own text become it, wherever the whole one has", () => {
      const unreached = unreachedIds(trimming)
      expect(trimming.kept).toHaveLength(kept)
      expect(unreached.texts).toBeGreaterThan(texts)
      expect(unreached.trimmed).toEqual(unreached.whole)
      expect(unreached.whole).toEqual([]) // none is an exception in any of these
    })
  })
}

/** Where two texts part, and what they say there; undefined for the same text. A diff of a megabyte takes minutes. */
function difference(got: string, wanted: string): { at: number; got: string; wanted: string } | undefined {
  if (got === wanted) return undefined
  let at = 0
  while (got[at] === wanted[at]) at++
  const from = Math.max(0, at - 20)
  return { at, got: got.slice(from, at + 20), wanted: wanted.slice(from, at + 20) }
}
