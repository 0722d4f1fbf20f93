// A trimmed vocabulary: texts whose ids stay are cut as before, others are written with what is left, kept rows keep their
// bytes and logits, and a choice that was kept in a file is the same choice.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { calibrationOf } from '../../cli/lib/calibration.ts'
import { choiceOf } from '../../cli/lib/vocabulary.ts'
import { promptIds } from '../../src/chat/prompt-ids.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import { rowsOf } from '../../src/packing/token-arrays.ts'
import { tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { chooseBy, trimBy } from '../../src/packing/vocabulary/choice.ts'
import { chooseIds, countIds } from '../../src/packing/vocabulary/choose-ids.ts'
import { mergeTrees } from '../../src/packing/vocabulary/merge-trees.ts'
import { trimTokenizer } from '../../src/packing/vocabulary/trim-tokenizer.ts'
import { writeVocabulary } from '../../src/packing/vocabulary/vocabulary-file.ts'
import { parseTokenizer, TOKEN, type TokenizerData } from '../../src/tokenizer/format.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { Vocabulary } from '../../src/tokenizer/vocabulary.ts'
import { CONFIGS } from '../helpers/family-model.ts'
import { Places } from '../helpers/refused-pack.ts'
import {
  bitsOf,
  keptRows,
  logitsOf,
  marksOf,
  ownTexts,
  trimmingOf,
  type Trimming,
} from '../helpers/trimming.ts'
import { FIXTURES, readGolden, seeded } from '../tokenizer/support.ts'

const FLOATS = new URL('../fixtures/float-model', import.meta.url).pathname
const places = new Places()
const NO_CHAT = { kind: 'none' } as const

const folder = mkdtempSync(join(tmpdir(), 'islet-vocabulary-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function tokenizerIn(
  family: string,
): Promise<{ bytes: Uint8Array; data: TokenizerData; whole: Tokenizer }> {
  const home = join(FIXTURES, family)
  const read = (name: string) =>
    Promise.resolve(existsSync(join(home, name)) ? readFileSync(join(home, name)) : undefined)
  const bytes = writeTokenizer(await tokenizerFromFolder(read))
  return { bytes, data: parseTokenizer(bytes), whole: readTokenizer(bytes) }
}

/** A family's tokenizer and the `share` of it that `texts` choose. */
async function trimmedBy(family: string, texts: readonly string[], share: number): Promise<Trimming> {
  const { bytes, data, whole } = await tokenizerIn(family)
  const count = Math.floor(share * data.types.length)
  const kept = chooseIds(new Vocabulary(data), whole, NO_CHAT, countIds(whole, texts), count)
  return trimmingOf(bytes, kept)
}

describe.each(['llama', 'gemma3', 'baichuan2', 'chatglm3', 'qwen1', 'qwen2'])(
  'the vocabulary of %s',
  (family) => {
    const texts = readGolden(join(FIXTURES, family)).cases.map(({ text }) => text)

    it.each([0.6, 0.8])('cut to %f keeps the ids of every text whose ids stay', async (share) => {
      const trimming = await trimmedBy(family, texts.slice(0, 12), share)
      const { data, kept, whole, trimmed } = trimming
      expect(kept.length).toBeLessThanOrEqual(share * data.types.length)
      expect([...kept]).toEqual([...new Set(kept)].toSorted((a, b) => a - b))
      let [asBefore, otherwise] = [0, 0]
      for (const text of texts.flatMap((each) => [each, ...each.split(/(?<=\s)/)])) {
        const ids = whole.encode(text)
        const rows = trimmed.encode(text)
        const stay = keptRows(trimming, ids)
        if (stay === undefined) otherwise++
        else {
          expect(rows, text).toEqual(stay)
          asBefore++
        }
        expect(trimmed.decode(rows)).toBe(whole.decode(ids))
      }
      expect(asBefore).toBeGreaterThan(50)
      expect(otherwise).toBeGreaterThan(10)
    })

    it('keeps the order in which ids merge', async () => {
      const { data, kept } = await trimmedBy(family, texts, 0.6)
      const { ranks } = parseTokenizer(trimTokenizer(data, kept))
      expect([...ranks]).toEqual(data.ranks.length === 0 ? [] : Array.from(kept, (id) => data.ranks[id]))
    })

    it('keeps all that is no ordinary text, under its name', async () => {
      const trimming = await trimmedBy(family, [], 0.7)
      const { rowOf, whole, trimmed } = trimming
      for (const id of marksOf(trimming)) {
        expect(trimmed.nameOf(rowOf[id])).toBe(whole.nameOf(id))
        expect(trimmed.isSpecial(rowOf[id])).toBe(whole.isSpecial(id))
      }
      expect([...trimmed.endIds]).toEqual([...whole.endIds].map((id) => rowOf[id]))
      expect(trimmed.bosId).toBe(whole.bosId === undefined ? undefined : rowOf[whole.bosId])
    })

    it('keeps each ordinary token reachable: its own text becomes it, if it did before', async () => {
      const trimming = await trimmedBy(family, texts, 0.75)
      let seen = 0
      for (const { text } of ownTexts(trimming)) {
        const stay = keptRows(trimming, trimming.whole.encode(text))
        if (stay === undefined) continue
        expect(trimming.trimmed.encode(text)).toEqual(stay)
        seen++
      }
      expect(seen).toBeGreaterThan(100)
    })
  },
)

describe('ids', () => {
  it('bring the trees of their merges: without them a text would be cut otherwise', async () => {
    const { data, whole } = await tokenizerIn('qwen2')
    const vocabulary = new Vocabulary(data)
    const treeOf = mergeTrees(vocabulary)
    const deep =
      [...data.types.keys()].findLast((id) => data.types[id] === TOKEN.normal && treeOf(id).length > 5) ?? -1
    const counts = new Uint32Array(whole.vocabSize)
    counts[deep] = 1
    const least = chooseIds(vocabulary, whole, NO_CHAT, new Uint32Array(whole.vocabSize), 345)
    const kept = chooseIds(vocabulary, whole, NO_CHAT, counts, 345)
    expect(least).not.toContain(deep)
    expect([...kept]).toEqual(expect.arrayContaining([deep, ...treeOf(deep)]))
    expect(treeOf(deep).at(-1)).toBe(deep)
    const bytes = vocabulary.stored(deep)
    expect(treeOf(deep).slice(0, bytes.length)).toEqual([...bytes].map((byte) => vocabulary.byteIds[byte]))
  })

  it('that are used most come first, and an id whose tree has no room is passed over', async () => {
    const { data, whole } = await tokenizerIn('qwen2')
    const vocabulary = new Vocabulary(data)
    const treeOf = mergeTrees(vocabulary)
    const random = seeded(3)
    const counts = Uint32Array.from({ length: whole.vocabSize }, () => random(1000))
    const kept = new Set(chooseIds(vocabulary, whole, NO_CHAT, counts, 500))
    expect(kept.size).toBe(500)
    for (const id of kept) for (const part of treeOf(id)) expect(kept.has(part)).toBe(true)
    const inner = new Set([...kept].flatMap((id) => treeOf(id).filter((part) => part !== id)))
    const chosen = [...kept].filter(
      (id) => data.types[id] === TOKEN.normal && data.offsets[id + 1] - data.offsets[id] > 1,
    )
    const leastChosen = Math.min(...chosen.filter((id) => !inner.has(id)).map((id) => counts[id]))
    const left = [...data.types.keys()].filter((id) => data.types[id] === TOKEN.normal && !kept.has(id))
    for (const id of left.filter((each) => counts[each] > leastChosen))
      expect(treeOf(id).filter((part) => !kept.has(part)).length).toBeGreaterThan(1)
  })

  it('of a chat format stay, whatever the texts say', async () => {
    const source = await openSource(FLOATS)
    const chat = {
      kind: 'jinja',
      template: "{% for m in messages %}And Joseph {{ m['content'] }}{% endfor %}",
    } as const
    const { kept } = await chooseBy({ ...source, chat }, 'none', [''], 420)
    const whole = readTokenizer((await source.tokenizer()) ?? new Uint8Array())
    for (const id of promptIds(whole, chat, [{ role: 'user', content: 'Hello' }])) expect(kept).toContain(id)
    await source.close()
  })

  it.each([
    [3, /marks, bytes and the chat format's own words alone are \d+ ids/],
    [100_000, /so that none would go/],
  ])('%i of them are refused', async (count, message) => {
    const source = await openSource(FLOATS)
    await expect(chooseBy(source, 'few', ['a text'], count)).rejects.toMatchObject({
      code: 'invalid_request',
      param: '--ids',
      message: expect.stringMatching(message) as string,
    })
    await source.close()
  })
})

describe('a model with a part of its vocabulary', () => {
  const text = 'And Joseph went up to bury his father, and all the servants of Pharaoh with him.'
  const kinds: PackOptions[] = [
    { quant: 'keep' },
    { quant: 'q8' },
    { quant: 'q4', embedding: 'q6' },
    { quant: 'q4s', embedding: 'q4' },
  ]

  it.each(kinds)(
    'has the logits of the whole one, bit for bit, of the ids that it kept: %o',
    async (options) => {
      const source = await openSource(FLOATS)
      const choice = await chooseBy(source, 'genesis', [text], 500)
      const trimmed = await trimBy(source, choice)
      const name = JSON.stringify(options).replace(/\W/g, '')
      const [whole, part] = [join(folder, `whole-${name}`), join(folder, `part-${name}`)]
      await packToFolder(source, whole, options)
      const manifest = await packToFolder(trimmed, part, options)
      await source.close()
      const ids = readTokenizer(readFileSync(join(whole, 'tokenizer.bin')))
        .encode(text)
        .slice(0, 16)
      const rows = readTokenizer(readFileSync(join(part, 'tokenizer.bin')))
        .encode(text)
        .slice(0, 16)
      const rowOf = rowsOf(choice.kept, source.spec.vocab)
      expect(rows).toEqual(ids.map((id) => rowOf[id]))
      const wanted = bitsOf(await logitsOf(whole, ids), choice.kept)
      expect(bitsOf(await logitsOf(part, rows))).toEqual(wanted)
      expect(manifest.spec.vocab).toBe(500)
      expect(manifest.vocabulary).toEqual({
        parent: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        of: source.spec.vocab,
        profile: 'genesis',
        lost: { tokens: expect.any(Number) as number, gone: 0, more: 0 },
      })
    },
  )

  it.each(Object.keys(CONFIGS).filter((name) => name !== 'chatglm1'))(
    '%s: heads of their own, scaled ones and tied ones lose the same rows',
    async (family) => {
      const source = await openSource(places.checkpoint(CONFIGS[family as keyof typeof CONFIGS]))
      const { data, bytes } = await tokenizerIn('llama')
      const fitting: ModelSource = { ...source, chat: NO_CHAT, tokenizer: () => Promise.resolve(bytes) }
      const random = seeded(7)
      const kept = Uint32Array.from(
        new Set(Array.from({ length: 40 }, () => random(source.spec.vocab))),
      ).sort()
      expect(data.types.length).toBeGreaterThanOrEqual(source.spec.vocab)
      const marks = [0, 1, 2]
      const all = Uint32Array.from(new Set([...marks, ...kept])).sort()
      const choice = { profile: 'any', kept: all, lost: { tokens: 0, gone: 0, more: 0 } }
      const [whole, part] = [places.next(), places.next()]
      await packToFolder({ ...fitting, tokenizer: () => Promise.resolve(undefined) }, whole, {})
      await packToFolder(await trimBy(fitting, choice), part, {})
      await source.close()
      const ids = Array.from({ length: 8 }, (_, i) => all[(5 * i) % all.length])
      const rowOf = rowsOf(all, data.types.length)
      const wanted = (await logitsOf(whole, ids)).map((logits) => Array.from(all, (id) => logits[id]))
      const logits = await logitsOf(
        part,
        ids.map((id) => rowOf[id]),
      )
      expect(logits.map((row) => [...row])).toEqual(wanted)
    },
  )
})

it('a model with a part of its vocabulary is calibrated as the whole one is', async () => {
  const source = await openSource(FLOATS)
  const trimmed = await trimBy(source, await chooseBy(source, 'genesis', ['In the beginning'], 400))
  const options: PackOptions = { quant: 'q8' }
  const [whole, part] = [await calibrationOf(source, options), await calibrationOf(trimmed, options)]
  await source.close()
  expect(part?.size).toBeGreaterThan(0)
  expect(part).toEqual(whole)
})

it('a model whose ids mean more than their rows keeps its vocabulary', async () => {
  const source = await openSource(places.checkpoint(CONFIGS.chatglm1))
  const { bytes } = await tokenizerIn('llama')
  const choice = { profile: 'any', kept: Uint32Array.of(0, 1, 2), lost: { tokens: 0, gone: 0, more: 0 } }
  const fitting = { ...source, tokenizer: () => Promise.resolve(bytes) }
  await expect(trimBy(fitting, choice)).rejects.toMatchObject({ code: 'unsupported_format' })
  await expect(
    trimBy({ ...source, tokenizer: () => Promise.resolve(undefined) }, choice),
  ).rejects.toMatchObject({
    code: 'invalid_request',
    param: '--vocabulary',
  })
  await source.close()
})

describe('a vocabulary file', () => {
  it('is the choice that it keeps, for this vocabulary alone', async () => {
    const source = await openSource(FLOATS)
    const choice = await chooseBy(source, 'genesis', ['And Joseph went up'], 450)
    const path = join(folder, 'genesis.json')
    writeFileSync(path, await writeVocabulary(source, choice))
    expect(await choiceOf(source, path, undefined)).toEqual(choice)
    expect(await choiceOf(source, path, '450')).toEqual(choice)
    await expect(choiceOf(source, path, '451')).rejects.toMatchObject({
      code: 'invalid_request',
      param: '--ids',
    })
    const { bytes } = await tokenizerIn('llama')
    const other = { ...source, name: 'other', tokenizer: () => Promise.resolve(bytes) }
    await expect(choiceOf(other, path, undefined)).rejects.toThrow('of another vocabulary than that of other')
    await source.close()
  })

  it.each([
    ['ids that are no base64', { ids: '%%%' }, 'is damaged'],
    ['ids that are cut', { ids: 'AA==' }, 'is damaged'],
    ['another count', { count: 3 }, 'has 450 ids and says 3'],
    ['a newer version', { version: 2 }, 'of another version'],
  ])('with %s is refused', async (_, edit, message) => {
    const source = await openSource(FLOATS)
    const choice = await chooseBy(source, 'genesis', ['And Joseph went up'], 450)
    const file = JSON.parse(await writeVocabulary(source, choice)) as object
    const path = join(folder, 'edited.json')
    writeFileSync(path, JSON.stringify({ ...file, ...edit }))
    await expect(choiceOf(source, path, undefined)).rejects.toThrow(message)
    await source.close()
  })

  it('or texts: a file, or all in a folder and its folders, in the order of their names', async () => {
    const source = await openSource(FLOATS)
    const home = join(folder, 'texts')
    mkdirSync(join(home, 'inner'), { recursive: true })
    writeFileSync(join(home, 'a.txt'), 'And Joseph went up')
    writeFileSync(join(home, 'inner', 'b.txt'), 'to bury his father')
    const both = await choiceOf(source, home, '430')
    expect(both).toEqual(await chooseBy(source, 'texts', ['And Joseph went up', 'to bury his father'], 430))
    await expect(choiceOf(source, home, undefined)).rejects.toMatchObject({ param: '--ids' })
    await expect(choiceOf(source, join(folder, 'none'), '430')).rejects.toMatchObject({
      param: '--vocabulary',
    })
    mkdirSync(join(folder, 'empty'))
    await expect(choiceOf(source, join(folder, 'empty'), '430')).rejects.toThrow('has no files in it')
    await source.close()
  })
})
