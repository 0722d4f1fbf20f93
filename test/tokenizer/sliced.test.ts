// Encoding in slices gives the ids of encoding at once, whatever the slices are and whatever runs between them.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tokenizerOf } from '../../cli/lib/tokenizer-of.ts'
import { atOnce, Budget, inTurns, SLICE_UNITS, type Sliced } from '../../src/lib/sliced.ts'
import { nameWhiteSpace } from '../../src/tokenizer/chatglm.ts'
import { composed } from '../../src/tokenizer/nfc.ts'
import { PRE_TOKENIZERS, preTokenizer } from '../../src/tokenizer/pre-tokenizers.ts'
import { nameMatcher, splitAtNames } from '../../src/tokenizer/special.ts'
import type { EncodeOptions, Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { replaced, utf8InWindows, WINDOW } from '../../src/tokenizer/windows.ts'
import { REAL_FOLDER } from '../helpers/real-model.ts'
import { FIXTURES, seeded } from './support.ts'

const NAMES = ['<|im_end|>', '<|im_end|>\n', '<s>']
const ATOMS = [
  'a', 'the ', 'Word', ' ', '  ', '\n', '\r\n', '\t', '\u0085', '\ufeff', '\u3000', "'", 'r', "'re", '1', '12 ', '!', '北', '你好，',
  'e\u0301', '\u0301', '\u0323', '한', '\u1112\u1161\u11ab', '\u1161', '🌍', '\u{20000}', '\ud83c', '\udf0d', '\u2581', '\ufb01',
  '<', '<|im_end', '|>', '\u0915\u093c', ...NAMES,
] // prettier-ignore

/** Texts of a few atoms each, with runs of one, whose length is around a window's or two. */
function texts(seed: number, count: number): string[] {
  const below = seeded(seed)
  return Array.from({ length: count }, () => {
    const some = Array.from({ length: 1 + below(5) }, () => ATOMS[below(ATOMS.length)])
    const length = (1 + below(2)) * WINDOW + below(120) - 60
    let text = ''
    while (text.length < length) {
      const atom = below(20) === 0 ? ATOMS[below(ATOMS.length)] : some[below(some.length)]
      text += below(6) === 0 ? atom.repeat(1 + below(below(30) === 0 ? 9000 : 90)) : atom
    }
    return text
  })
}

/** The result, and how often the host got its turn. */
function counted<T>(work: Sliced<T>): { value: T; turns: number } {
  for (let turns = 0; ; turns++) {
    const { done, value } = work.next()
    if (done === true) return { value, turns }
  }
}

describe('in windows', () => {
  const fine = (): Budget => new Budget(1)

  it.each(Object.keys(PRE_TOKENIZERS))('%s cuts as its patterns cut the whole', (name) => {
    const patterns = PRE_TOKENIZERS[name].map((source) => {
      const spaces = source.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}')
      return new RegExp(spaces, 'gu')
    })
    const cut = (text: string, level: number): string[] => {
      if (level === patterns.length) return [text]
      const parts: string[] = []
      let done = 0
      for (const { 0: piece, index } of text.matchAll(patterns[level])) {
        if (index > done) parts.push(...cut(text.slice(done, index), level + 1))
        parts.push(...cut(piece, level + 1))
        done = index + piece.length
      }
      return done < text.length ? [...parts, ...cut(text.slice(done), level + 1)] : parts
    }
    const runs = ['a', '北', '1', '!', '🌍', '\u{20000}', "'", ' ', '\n', '\ufeff', '!\n'].flatMap((unit) =>
      ['x', ' y', "'re", '\n\n z', '!\n\n \n', '12'].map((edge) => edge + unit.repeat(2 * WINDOW + 3) + edge),
    )
    for (const text of [...texts(3, 20), ...runs]) {
      const pieces: string[] = []
      atOnce(preTokenizer(name)(text, (piece) => void pieces.push(piece), fine()))
      expect(pieces).toEqual(cut(text, 0))
    }
  })

  it.each(["'re", "'ll", ' \n \n', '\r\n\r\n', ' x', '123', '!\n\n', '🌍', ' '])(
    'a piece is the same at every border of a window: %j',
    (piece) => {
      for (const name of ['gpt-2', 'llama-bpe', 'qwen2']) {
        for (let before = WINDOW - 12; before <= WINDOW + 2; before++) {
          const text = `${'x '.repeat(before).slice(-before)}${piece}${' y'.repeat(20)}`
          const pieces: string[] = []
          const short: string[] = []
          const cut = preTokenizer(name)
          atOnce(cut(text, (each) => void pieces.push(each), fine()))
          // The beginning is regular, so its pieces can go without a change behind.
          const skipped = before - (before % 2) - 40
          atOnce(cut(text.slice(skipped), (each) => void short.push(each), fine()))
          expect(pieces.slice(-short.length + 1)).toEqual(short.slice(1))
        }
      }
    },
  )

  it('names are found as in the whole', () => {
    const matcher = nameMatcher(NAMES)
    for (const text of [...texts(4, 60), ...NAMES.map((name) => name.repeat(4000))]) {
      const parts: string[] = []
      const take = (part: string): undefined => void parts.push(part)
      atOnce(splitAtNames(text, matcher, take, (name) => take(`name ${name}`), fine()))
      const whole = text.split(/(<\|im_end\|>\n?|<s>)/).filter((part) => part !== '')
      expect(parts).toEqual(whole.map((part) => (NAMES.includes(part) ? `name ${part}` : part)))
    }
  })

  it('long runs of marks are composed as the engine composes them, in a time that grows with their length', () => {
    const marks = ['\u0301', '\u0323', '\u0334', '\u0345', '\u0344', '\u05b0', '\u0bca', '\u093c', '\u{1d165}', '\u20d0'] // prettier-ignore
    const below = seeded(8)
    for (let round = 0; round < 20; round++) {
      const run = Array.from({ length: 500 + below(900) }, () => marks[below(marks.length)]).join('')
      const text = `e${run}\u0915${run}x${'\u0bc6\u0bbe'.repeat(300)}`
      expect(atOnce(composed(text, fine()))).toBe(text.normalize('NFC'))
    }
    // 90 s, left to the engine.
    const { value, turns } = counted(composed(`a${'\u0301\u0323'.repeat(200_000)}`, new Budget()))
    expect(value).toBe(`\u1ea1${'\u0323'.repeat(199_999)}${'\u0301'.repeat(200_000)}`)
    expect(turns).toBeGreaterThan(20)
  })

  it('texts are composed, replaced, encoded, and their blanks named as in the whole', () => {
    for (const text of [...texts(5, 60), ' '.repeat(3 * WINDOW + 1), `x${' '.repeat(WINDOW + 80)}`]) {
      expect(atOnce(composed(text, fine()))).toBe(text.normalize('NFC'))
      expect(atOnce(replaced(text, '\u2581', '[]', fine()))).toBe(text.replaceAll('\u2581', '[]'))
      const scratch = { bytes: new Uint8Array(0) }
      const length = atOnce(utf8InWindows(text, scratch, fine()))
      expect(Buffer.compare(scratch.bytes.subarray(0, length), new TextEncoder().encode(text))).toBe(0)
      const named = text.replaceAll('\n', '<n>').replaceAll('\t', '<|tab|>')
      const blanks = named.replace(/ {2,80}/g, (run) => `<|blank_${run.length}|>`)
      expect(atOnce(nameWhiteSpace(text, fine()))).toBe(blanks)
    }
  })
})

const families = readdirSync(FIXTURES).filter((family) => readdirSync(join(FIXTURES, family)).length > 1)
const folders = families.map((family) => join(FIXTURES, family))
if (existsSync(join(REAL_FOLDER, 'tokenizer.bin'))) folders.push(REAL_FOLDER)

describe.each(folders)('%s', (folder) => {
  const options: EncodeOptions[] = [{}, { special: true, guard: '\ufdd0' }, { special: 'original' }]
  const opened = tokenizerOf(folder).then(({ tokenizer }): Tokenizer => tokenizer)

  it('gives the same ids in slices of any size, between those of another text', async () => {
    const tokenizer = await opened
    const below = seeded(6)
    const [other, ...rest] = texts(7, 6)
    const expected = tokenizer.encode(other)
    for (const text of rest) {
      const works = [...options, {}].map((option, i) =>
        tokenizer.encodeSliced(i < options.length ? text : other, new Budget(1 + below(3000)), option),
      )
      const ids = works.map((): number[] | undefined => undefined)
      while (ids.includes(undefined)) {
        const i = below(works.length)
        if (ids[i] !== undefined) continue
        const { done, value } = works[i].next()
        if (done === true) ids[i] = value
      }
      expect(ids).toEqual([...options.map((option) => tokenizer.encode(text, option)), expected])
    }
  })

  it('takes no turn for a short text, and one in every few kilobytes of a long one', async () => {
    const tokenizer = await opened
    const prose = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8').slice(
      0,
      20_000,
    )
    const turns = (text: string): number => counted(tokenizer.encodeSliced(text, new Budget())).turns
    expect(turns(prose.slice(0, SLICE_UNITS / 8))).toBe(0)
    for (const text of [prose.repeat(10), 'x'.repeat(200_000), ' '.repeat(200_000), '北'.repeat(100_000)])
      expect(turns(text)).toBeGreaterThanOrEqual(Math.floor(text.length / (2 * SLICE_UNITS)))
  })
})

describe('work in turns', () => {
  function* numbers(count: number): Sliced<number> {
    for (let i = 0; i < count; i++) yield
    return count
  }

  it('lets the host have one after each slice, and none where there is but one slice', async () => {
    let turns = 0
    const turn = (): Promise<void> => Promise.resolve(void turns++)
    expect(await inTurns(numbers(0), turn)).toBe(0)
    expect(turns).toBe(0)
    expect(await inTurns(numbers(3), turn)).toBe(3)
    expect(turns).toBe(3)
  })

  it('ends with an abort', async () => {
    const abort = new AbortController()
    let turns = 0
    const turn = (): Promise<void> => {
      if (++turns === 2) abort.abort()
      return Promise.resolve()
    }
    expect(await inTurns(numbers(10), turn, abort.signal)).toBeUndefined()
    expect(turns).toBe(2)
  })
})
