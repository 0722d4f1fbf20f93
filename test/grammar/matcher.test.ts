// The matcher against texts: what fits is what the grammar and the limit of tokens allow, for every kind of vocabulary.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileGrammar } from '../../src/grammar/grammar.ts'
import { Matcher, type MatcherOptions } from '../../src/grammar/matcher.ts'
import type { GrammarSpec } from '../../src/protocol/generation.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import { TextStream } from '../../src/tokenizer/stream-decoder.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { REAL_FOLDER } from '../helpers/real-model.ts'
import { rng } from '../helpers/rng.ts'
import { endOf, wordTokenizer } from '../helpers/word-tokenizer.ts'
import { reads } from './helpers.ts'

const WORDS = ['{"', '":', ' "', '"', ' {', '}', '"}', 'name', 'na', 'age', ' 1', '12', 'true', ' true', ',', ', "', 'é', '日本', ' yes', 'yes', 'no', 'none', '  ', ' ', '[', ']', '\n  ', 'ab'] // prettier-ignore
const SENTENCEPIECE = { stripLeadingSpace: true, stripAllLeading: false, replaceEachByte: true }
const words = wordTokenizer(WORDS)
const real = existsSync(`${REAL_FOLDER}/tokenizer.bin`)
  ? readTokenizer(readFileSync(`${REAL_FOLDER}/tokenizer.bin`))
  : undefined

const schema = (value: unknown): GrammarSpec => ({ kind: 'json_schema', schema: JSON.stringify(value) })
const PERSON = schema({
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer' },
    tags: { type: 'array', items: { enum: ['ab', 'é'] } },
  },
  required: ['name', 'age'],
})
const TREE = schema({
  type: 'object',
  properties: { name: { type: 'string', maxLength: 5 }, of: { type: 'array', items: { $ref: '#' } } },
  required: ['name', 'of'],
})
const SPECS: [string, GrammarSpec][] = [
  ['a person', PERSON],
  ['a tree', TREE],
  ['any object', { kind: 'json_object' }],
  ['a pattern', { kind: 'regex', pattern: '(yes|no|none)(, \\d{2,5}(é|日本)*)?' }],
  ['choices', { kind: 'choice', choices: ['no', 'none', ' yes', '日本語'] }],
  ['a grammar', { kind: 'ebnf', text: 'root ::= "(" root* ")" | [a-z]{2,} "." | [^a-z()]+ "!"' }],
]

const idsOf = (tokenizer: Tokenizer): number[] => [...Array(tokenizer.vocabSize).keys()]
const named = (tokenizer: Tokenizer, ...names: string[]) => names.map((name) => tokenizer.idOf(name) ?? -1)

function matcher(spec: GrammarSpec, tokenizer: Tokenizer, options: MatcherOptions = {}): Matcher {
  return new Matcher(compileGrammar(spec), tokenizer, options)
}

function fitting(state: Matcher, tokenizer: Tokenizer): number[] {
  const check = state.pass()
  return idsOf(tokenizer).filter((id) => check(id) === 'fits')
}

describe('what fits', () => {
  test('is what some text of the grammar goes on with', () => {
    const state = matcher({ kind: 'choice', choices: ['no', 'none', '日本語'] }, words)
    const at = () => fitting(state, words).map((id) => words.nameOf(id))
    expect(at()).toEqual(['日本', 'no', 'none', '<0x6E>', '<0xE6>'])
    expect(state.accept(named(words, 'no')[0])).toBe(true)
    expect(at()).toEqual(['<0x6E>', `<${endOf(words)}>`])
    expect(state.accept(named(words, 'yes')[0])).toBe(false)
    for (const name of ['<0x6E>', '<0x65>']) expect(state.accept(named(words, name)[0])).toBe(true)
    expect(state.isDone).toBe(true)
    expect(state.isCut).toBe(false)
  })

  test('never a token that prints nothing, nor an id behind the vocabulary', () => {
    const state = matcher({ kind: 'regex', pattern: '[^]+' }, words)
    for (const id of [endOf(words) - 1, endOf(words), endOf(words) + 1, -1]) {
      expect(state.verdict(id), `${id}`).toBe('no')
      expect(state.pass()(id), `${id}`).toBe('no')
    }
  })

  test('an end of any kind, where the text may end, and nowhere else', () => {
    const [other] = named(words, 'ab')
    const state = matcher({ kind: 'regex', pattern: '\\d+' }, words, { ends: new Set([other]) })
    const verdicts = () => [endOf(words), other].flatMap((id) => [state.verdict(id), state.pass()(id)])
    expect(verdicts()).toEqual(Array(4).fill('no'))
    expect(state.accept(other)).toBe(false)
    expect(state.accept(named(words, '12')[0])).toBe(true)
    expect(verdicts()).toEqual(Array(4).fill('fits'))
    expect(state.isDone).toBe(false)
    expect(state.accept(other)).toBe(true)
    expect(state.isDone).toBe(true)
    expect(state.accept(named(words, '12')[0])).toBe(false)
  })

  test('reads what is printed: a first space that is lost is not there', () => {
    const strip = wordTokenizer(WORDS, { decoding: SENTENCEPIECE })
    const [yes, spaced, two, one] = named(strip, 'yes', '▁yes', '▁▁', '<0x20>')
    const first = matcher({ kind: 'choice', choices: ['yes'] }, strip)
    expect([yes, spaced, two, one].map((id) => first.verdict(id))).toEqual(['fits', 'fits', 'no', 'no'])
    const kept = matcher({ kind: 'choice', choices: [' yes'] }, strip)
    expect([yes, spaced, two, one].map((id) => kept.verdict(id))).toEqual(['no', 'no', 'fits', 'fits'])
    // Behind a prompt's text nothing is lost.
    const behind = matcher({ kind: 'choice', choices: [' yes'] }, strip, { continues: true })
    expect([yes, spaced, two, one].map((id) => behind.verdict(id))).toEqual(['no', 'fits', 'no', 'fits'])
    for (const state of [first, kept, behind])
      for (const id of idsOf(strip)) expect(state.pass()(id)).toBe(state.verdict(id))
  })
})

describe('what is forced', () => {
  /** Each token of a text with whether it was. */
  const forcedIn = (spec: GrammarSpec, names: readonly string[], tokenizer = words): boolean[] => {
    const state = matcher(spec, tokenizer)
    return named(tokenizer, ...names.map((name) => name.replaceAll(' ', '▁'))).map((id, i) => {
      const isForced = state.isForced(id)
      expect(state.accept(id), names[i]).toBe(true)
      return isForced
    })
  }
  const letters = (text: string): string[] =>
    [...text].map((letter) => `<0x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}>`)

  test('are names of keys however they are cut, and no text of a string', () => {
    const names = ['{"', 'na', ...letters('me'), '":', ' "', 'ab', '"', ',', ' "', 'age', '":']
    expect(forcedIn(PERSON, [...names, ' 1', '12'])).toEqual([
      ...[true, true, true, true, true],
      // A string opens; what stands in it, and where it ends, was a choice.
      ...[true, false, false],
      ...[true, true, true, true],
      ...[false, false],
    ])
    expect(forcedIn(PERSON, ['{"', 'name', '":'])).toEqual([true, true, true])
  })

  test('are none where a key may be left out, or the object may end', () => {
    const spec = schema({
      type: 'object',
      properties: { name: { enum: ['ab'] }, age: { enum: ['no', 'none', 'yes'] } },
      required: ['age'],
    })
    expect(forcedIn(spec, ['{"', 'na', ...letters('me')])).toEqual([true, false, true, true])
    const behind = ['{"', 'age', '":', ' "', 'no', ...letters('n'), ...letters('e'), '"}']
    expect(forcedIn(spec, behind)).toEqual([true, false, true, true, false, false, true, true])
  })

  test('white space aside, which is no other text where it may be left out', () => {
    const spec = schema({ type: 'array', items: { const: 1 }, minItems: 2, maxItems: 2 })
    expect(forcedIn(spec, ['[', '\n  '])).toEqual([true, true])
    expect(forcedIn(spec, ['[', ' 1', ',', ' 1', ' ', ']'])).toEqual([true, true, true, true, true, true])
    // Not where it is the text.
    const note = schema({
      type: 'object',
      properties: { name: { type: 'string', maxLength: 9 } },
      required: ['name'],
    })
    expect(forcedIn(note, ['{"', 'name', '":', ' "', 'ab', ' ', '  ', 'ab', '"}'])).toEqual([
      ...[true, true, true, true, false, false, false, false, false],
    ])
    expect(forcedIn({ kind: 'choice', choices: ['ab', 'a no'] }, letters('a'))).toEqual([true])
    expect(forcedIn({ kind: 'choice', choices: ['ab', 'a no'] }, letters('a no'))).toEqual([
      ...[true, false, true, true],
    ])
  })

  test('is no id that does not fit, prints nothing or comes where the text may end', () => {
    const state = matcher({ kind: 'regex', pattern: '(no)?' }, words)
    for (const id of idsOf(words)) expect(state.isForced(id), words.nameOf(id)).toBe(false)
    const choice = matcher({ kind: 'choice', choices: ['no'] }, words)
    expect(idsOf(words).filter((id) => choice.isForced(id))).toEqual(
      named(words, 'no', '<0x6E>').sort((a, b) => a - b),
    )
  })

  test('a first space that is lost is not looked at', () => {
    const strip = wordTokenizer(WORDS, { decoding: SENTENCEPIECE })
    expect(forcedIn({ kind: 'choice', choices: ['yes'] }, ['▁yes'], strip)).toEqual([true])
  })

  test.skipIf(real === undefined)('with the vocabulary of the real model', () => {
    const state = matcher(
      schema({ type: 'object', properties: { team: { enum: ['billing', 'sales'] } }, required: ['team'] }),
      real!,
    )
    const said = ['{"', 't', 'ea', 'm', '":', '"', 's', 'ales', '"}'].map((name) => {
      const id = real!.idOf(name)!
      const isForced = state.isForced(id)
      expect(state.accept(id), name).toBe(true)
      return `${name}${isForced ? '!' : ''}`
    })
    expect(said).toEqual(['{"!', 't!', 'ea!', 'm!', '":!', '"!', 's', 'ales!', '"}!'])
  })
})

/** Takes ids that fit, at random, to the end; each verdict of a pass is that of the id alone. */
function walk(
  spec: GrammarSpec,
  tokenizer: Tokenizer,
  options: { limit: number; seed: number; continues?: boolean; every?: number },
) {
  const { limit, continues = false, every = 0 } = options
  const { int } = rng(options.seed)
  const state = matcher(spec, tokenizer, { limit, continues })
  const stream = new TextStream(tokenizer, { continues })
  const ids: number[] = []
  let text = ''
  while (!state.isDone) {
    const check = state.pass()
    const verdicts = idsOf(tokenizer).map(check)
    const looked = idsOf(tokenizer).filter((id) => every > 0 && id % every === 0)
    expect(looked.map((id) => state.verdict(id))).toEqual(looked.map((id) => verdicts[id]))
    const fits = idsOf(tokenizer).filter((id) => verdicts[id] === 'fits')
    if (fits.length === 0) throw new Error(`nothing fits behind ${JSON.stringify(text)}`)
    // Bytes are most of these ids; words come as often here.
    const few = fits.filter((id) => id < WORDS.length)
    const from = few.length > 0 && int(3) > 0 ? few : fits
    const id = from[int(from.length)]
    expect(state.accept(id)).toBe(true)
    ids.push(id)
    text += stream.push(id)
  }
  return { ids, text: text + stream.flush() }
}

describe('closed in time', () => {
  const vocabularies: [string, Tokenizer][] = [
    ['words and bytes', words],
    ['a first space is lost', wordTokenizer(WORDS, { decoding: SENTENCEPIECE })],
    ['bytes are lacking', wordTokenizer([...WORDS, 'ag', 'e"', 'x"}', '!'], { lacks: 'xyz"!' })],
  ]
  test.each(
    SPECS.flatMap(([kind, spec]) =>
      vocabularies.map(([name, vocabulary]) => [kind, name, spec, vocabulary] as const),
    ),
  )(
    '%s, %s: every limit from the least on, and every way there ends whole',
    (kind, name, spec, vocabulary) => {
      const least = matcher(spec, vocabulary).leastTokens
      if (least === Infinity) return // no text can be written
      const grammar = compileGrammar(spec)
      for (let limit = least; limit < least + 9; limit += 2) {
        for (let seed = 0; seed < 2; seed++) {
          const { ids, text } = walk(spec, vocabulary, {
            limit,
            seed: 100 * limit + seed,
            every: limit === least ? 1 : 0,
          })
          expect(ids.length).toBeLessThanOrEqual(limit)
          expect(reads(grammar, text), `${kind}, ${name}, ${limit}: ${text}`).toBe('whole')
        }
      }
    },
  )

  test('a way that is begun is followed, though one anew would be longer', () => {
    // The shortest bytes from the start are "ab.", two tokens; behind "a" they are "b." or ".." anew, which has no token of two.
    const tokenizer = wordTokenizer(['xab', '.!'])
    const spec: GrammarSpec = { kind: 'regex', pattern: 'x(ab\\.!|a0000)' }
    const state = matcher(spec, tokenizer, { limit: 2 })
    expect(state.leastTokens).toBe(2)
    expect(state.verdict(named(tokenizer, '<0x78>')[0])).toBe('late')
    expect(state.accept(named(tokenizer, 'xab')[0])).toBe(true)
    expect(fitting(state, tokenizer)).toEqual(named(tokenizer, '.!'))
  })

  test('what opens more than fits is late, what fits the grammar alone is not', () => {
    const state = matcher(TREE, words, { limit: matcher(TREE, words).leastTokens + 1 })
    const open = matcher(TREE, words)
    let late = 0
    while (!state.isDone) {
      const [check, free] = [state.pass(), open.pass()]
      for (const id of idsOf(words)) {
        if (check(id) === 'late') late++
        expect(check(id) === 'no').toBe(free(id) === 'no')
      }
      const id = idsOf(words).findLast((other) => check(other) === 'fits') ?? -1
      expect([state.accept(id), open.accept(id)]).toEqual([true, true])
    }
    expect(late).toBeGreaterThan(0)
  })

  test('at the last token a text that may end is whole, and said to be cut if more could have come', () => {
    const [twelve] = named(words, '12')
    const number = matcher({ kind: 'regex', pattern: '\\d+' }, words, { limit: 2 })
    number.accept(twelve)
    expect([number.isDone, number.isCut]).toEqual([false, false])
    number.accept(twelve)
    expect([number.isDone, number.isCut]).toEqual([true, true])
    const whole = matcher({ kind: 'regex', pattern: '\\d{4}' }, words, { limit: 2 })
    whole.accept(twelve)
    whole.accept(twelve)
    expect([whole.isDone, whole.isCut]).toEqual([true, false])
  })

  test('the least number of tokens is that of the shortest text, cut by this vocabulary', () => {
    expect(matcher(PERSON, words).leastTokens).toBeLessThan(15)
    expect(matcher(PERSON, wordTokenizer([])).leastTokens).toBe('{"name":"","age":0}'.length)
    expect(matcher({ kind: 'choice', choices: ['"'] }, wordTokenizer([], { lacks: '"' })).leastTokens).toBe(
      Infinity,
    )
  })
})

describe.skipIf(real === undefined)('the vocabulary of the default model', () => {
  test('a pass and a verdict say the same, and walks at random validate', () => {
    const tokenizer = real as Tokenizer
    for (const [kind, spec] of SPECS) {
      for (const seed of [1]) {
        const limit = matcher(spec, tokenizer).leastTokens + 6
        const { ids, text } = walk(spec, tokenizer, { limit, seed, every: 997 })
        expect(ids.length).toBeLessThanOrEqual(limit)
        expect(reads(compileGrammar(spec), text), `${kind}: ${text}`).toBe('whole')
      }
    }
  })

  test('byteAt and longestToken agree with the bytes of tokens', () => {
    const tokenizer = real as Tokenizer
    const bytes = new TextEncoder().encode('{"name": "Zoë", "日本": [1.5, true]}\n\n  end')
    let text = ''
    for (let at = 0; at < bytes.length;) {
      const id = tokenizer.longestToken(bytes, at)
      const token = tokenizer.tokenBytes(id)
      expect([...bytes.subarray(at, at + token.length)]).toEqual([...token])
      expect([...token, -1]).toEqual(
        Array.from({ length: token.length + 1 }, (_, i) => tokenizer.byteAt(id, i)),
      )
      text += `${token.length} `
      at += token.length
    }
    expect(text).toContain('4 ')
    for (const id of [...tokenizer.endIds, tokenizer.vocabSize, -1]) expect(tokenizer.byteAt(id, 0)).toBe(-1)
  })
})
