// A model of Qwen 2.5's shape is trimmed: its real tokenizer cuts, chats and decodes as before, and logits stay.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashFile } from '../../cli/lib/download.ts'
import type { SentMessage } from '../../src/chat/message-forms.ts'
import { promptIds, promptText } from '../../src/chat/prompt-ids.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import type { ModelSource } from '../../src/packing/source.ts'
import { chooseBy, tokenizerOf, trimBy, type Choice } from '../../src/packing/vocabulary/choice.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { manyScripts } from '../helpers/many-scripts.ts'
import { writeQwen25 } from '../helpers/qwen2.5.ts'
import {
  bitsOf,
  keptRows,
  logitsOf,
  marksOf,
  trimmingOf,
  unreachedIds,
  type Trimming,
} from '../helpers/trimming.ts'

const IDS = 20_000

function textOf(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
}

const CHOOSING = ['README.md', 'src/tokenizer/packed.ts'].map(textOf)
const OTHER = ['CONTRIBUTING.md', 'docs/packing.md', 'src/packing/pack.ts'].map(textOf)

const KINDS: readonly PackOptions[] = [
  { quant: 'q4', embedding: 'q6' },
  { quant: 'q8', embedding: 'q8' },
]

const folder = mkdtempSync(join(tmpdir(), 'islet-qwen2.5-'))
const pathOf = (part: 'whole' | 'part', { quant, embedding }: PackOptions): string =>
  join(folder, `${part}-${quant}-${embedding}`)

let source: ModelSource
let choice: Choice
let manifest: Manifest
/** Of the tokenizers that were packed. */
let trimming: Trimming

beforeAll(async () => {
  source = await openSource(writeQwen25(join(folder, 'checkpoint')))
  choice = await chooseBy(source, 'own', CHOOSING, IDS)
  const trimmed = await trimBy(source, choice)
  for (const kinds of KINDS) {
    await packToFolder(source, pathOf('whole', kinds), kinds)
    manifest = await packToFolder(trimmed, pathOf('part', kinds), kinds)
  }
  const packed = (part: 'whole' | 'part'): Uint8Array =>
    readFileSync(join(pathOf(part, KINDS[0]), 'tokenizer.bin'))
  trimming = trimmingOf(packed('whole'), choice.kept, packed('part'))
})

afterAll(async () => {
  await source.close()
  rmSync(folder, { recursive: true, force: true })
})

it('the manifest records of which weights the model is a part, which texts chose it and what they lost', async () => {
  expect(source.spec).toMatchObject({ vocab: 151_936, head: { tied: true } })
  expect(manifest.spec.vocab).toBe(IDS)
  expect(manifest.vocabulary).toEqual({
    parent: await hashFile(join(folder, 'checkpoint/model.safetensors')),
    of: 151_936,
    profile: 'own',
    lost: { tokens: CHOOSING.flatMap((text) => trimming.whole.encode(text)).length, gone: 0, more: 0 },
  })
})

it('a text whose ids stay is cut into the same tokens', () => {
  const { whole, trimmed } = trimming
  for (const text of CHOOSING) expect(trimmed.encode(text)).toEqual(keptRows(trimming, whole.encode(text)))
  let [asBefore, otherwise] = [0, 0]
  for (const text of OTHER.flatMap((each) => each.split(/(?<=\n)/))) {
    const stay = keptRows(trimming, whole.encode(text))
    if (stay === undefined) otherwise++
    else {
      expect(trimmed.encode(text), text).toEqual(stay)
      asBefore++
    }
    expect(trimmed.decode(trimmed.encode(text))).toBe(text)
  }
  expect(asBefore).toBeGreaterThan(150)
  expect(otherwise).toBeGreaterThan(20)
})

it('every special token stays, by its name', () => {
  const { whole, trimmed, rowOf } = trimming
  const marks = marksOf(trimming)
  expect(marks.map((id) => whole.nameOf(id))).toEqual(
    expect.arrayContaining(['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<tool_call>', '</tool_call>']),
  )
  expect(marks).toEqual(Array.from({ length: 22 }, (_, at) => 151_643 + at))
  for (const id of marks) {
    const name = whole.nameOf(id)
    expect(trimmed.nameOf(rowOf[id])).toBe(name)
    expect(trimmed.idOf(name)).toBe(rowOf[id])
    expect(trimmed.encode(name, { special: true })).toEqual([rowOf[id]])
    expect(trimmed.isSpecial(rowOf[id])).toBe(whole.isSpecial(id))
  }
  expect([...trimmed.endIds].map((row) => trimmed.nameOf(row))).toEqual(['<|endoftext|>', '<|im_end|>'])
})

it("every kept id's own text becomes it, if it did before", () => {
  const { texts, whole, trimmed } = unreachedIds(trimming)
  expect(texts).toBeGreaterThan(19_000)
  expect(trimmed).toEqual(whole)
  expect(whole.map((id) => trimming.whole.nameOf(id))).toEqual([])
})

describe('its chat template', () => {
  const [system, user, assistant] = ['system', 'user', 'assistant'].map((role) => ({
    role,
    content: '<|im_end|> is what?\nHello',
  }))
  const call = { id: '1', type: 'function', function: { name: 'read', arguments: '{"line": 1}' } }
  const calling = { role: 'assistant', content: '', tool_calls: [call] }
  const result = { role: 'tool', tool_call_id: '1', content: 'a text' }
  const parameters = { type: 'object', properties: {} }
  const tools = [{ type: 'function', function: { name: 'read', description: 'Reads a file', parameters } }]
  const chats: [what: string, turns: number, messages: SentMessage[], tools: unknown[]][] = [
    ['a question', 3, [user], []],
    ['a conversation', 5, [system, user, assistant, user], []],
    ['calls of tools', 7, [user, calling, result, result, assistant, user], tools],
  ]

  it.each(chats)('says %s in %i turns with the same tokens', (_, turns, messages, given) => {
    const { whole, trimmed, rowOf } = trimming
    const before = promptIds(whole, source.chat, messages, { tools: given })
    const ids = promptIds(trimmed, manifest.chat, messages, { tools: given })
    expect(before.filter((id) => rowOf[id] < 0).map((id) => whole.nameOf(id))).toEqual([])
    expect(ids).toEqual(keptRows(trimming, before))
    expect(ids[0]).toBe(rowOf[151_644])
    expect(promptText(trimmed, manifest.chat, messages, { tools: given })).toBe(
      promptText(whole, source.chat, messages, { tools: given }),
    )
    expect(ids.filter((id) => id === rowOf[151_644])).toHaveLength(turns)
    expect(ids.filter((id) => id === rowOf[151_645])).toHaveLength(turns - 1) // what a user writes is no mark
  })

  it('keeps its words in the smallest part that there can be, which still writes every text', async () => {
    const refusal: unknown = await chooseBy(source, 'none', [], 1).catch((error: unknown) => error)
    const least = Number(/ (\d+) ids$/.exec(String(refusal))?.[1])
    const { kept } = await chooseBy(source, 'none', [], least)
    const smallest = trimmingOf(await tokenizerOf(source), kept)
    expect(kept.length).toBe(least)
    expect(least).toBeLessThan(1000)
    const said = { role: 'user', content: 'Hello' }
    const named = { name: 'Hello', description: 'Hello', parameters: { type: 'object', properties: {} } }
    const answer = {
      role: 'assistant',
      content: '',
      tool_calls: [{ ...call, function: { name: 'Hello', arguments: '{}' } }],
    }
    const chat = [said, answer, { ...result, content: 'Hello' }, said]
    const ids = promptIds(smallest.whole, source.chat, chat, {
      tools: [{ type: 'function', function: named }],
    })
    const gone = ids.filter((id) => smallest.rowOf[id] < 0)
    expect(gone.map((id) => smallest.whole.nameOf(id))).toEqual([])
    const text = manyScripts(5, 10_000, ['Hello']).normalize('NFC')
    expect(smallest.trimmed.decode(smallest.trimmed.encode(text))).toBe(text)
  })
})

it.each(KINDS)('logits of kept ids are those of the whole model, bit for bit: %o', async (kinds) => {
  const ids = trimming.whole.encode(CHOOSING[0]).slice(0, 16)
  const rows = keptRows(trimming, ids) ?? []
  const wanted = bitsOf(await logitsOf(pathOf('whole', kinds), ids), choice.kept)
  const logits = await logitsOf(pathOf('part', kinds), rows)
  expect(logits).toHaveLength(16)
  expect(logits[0]).toHaveLength(IDS)
  expect(new Set(wanted).size).toBe(16)
  expect(bitsOf(logits).map((row, at) => row === wanted[at])).toEqual(wanted.map(() => true))
})

it.each([
  ['German', 'Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.'],
  ['French', 'Dès Noël, où un zéphyr haï me vêt de glaçons würmiens.'],
  ['Greek', 'Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία.'],
  ['Russian', 'Съешь же ещё этих мягких французских булок, да выпей чаю.'],
  ['Arabic', 'نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر'],
  ['Hebrew', 'דג סקרן שט בים מאוכזב ולפתע מצא חברה'],
  ['Hindi', 'ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश'],
  ['Thai', 'เป็นมนุษย์สุดประเสริฐเลิศคุณค่า'],
  ['Korean', '키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.'],
  ['Japanese', 'いろはにほへと ちりぬるを ワカヨタレソ 常ならむ'],
  ['Chinese', '视野无限广，窗外有蓝天。微風迎客，軟語伴茶。'],
  ['emoji', '👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 ☕️'],
])('a text in %s, which the choosing texts were not, is still written', (_, written) => {
  const text = written.normalize('NFC')
  const { whole, trimmed } = trimming
  const ids = whole.encode(text)
  const rows = trimmed.encode(text)
  expect(keptRows(trimming, ids)).toBeUndefined()
  expect(rows.length).toBeGreaterThan(ids.length)
  expect(trimmed.decode(rows)).toBe(text)
})
