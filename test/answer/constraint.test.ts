// A grammar at the door of an answer: what is refused and in whose words, what is read on, and where the limit ends it.

import { describe, expect, test } from 'vitest'
import { Answer } from '../../src/answer/answer.ts'
import { checkGrammar, matcherFor } from '../../src/answer/constraint.ts'
import { preparePrompt } from '../../src/answer/prepare-prompt.ts'
import { PLAIN_RULES, type AnswerRules } from '../../src/chat/answers/rules.ts'
import type { GenerateRequest, GrammarSpec } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { byteTokenizer, END, MARK } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const tokenizer = byteTokenizer()
const bytes = (text: string): number[] => tokenizer.encode(text)
const refused = (param: string, message: RegExp) =>
  expect.objectContaining({
    code: 'invalid_request',
    param,
    message: expect.stringMatching(message) as string,
  }) as Error

const FIVE: GrammarSpec = { kind: 'regex', pattern: 'abcde' }
const DIGITS: GrammarSpec = { kind: 'regex', pattern: '[0-9]+' }
/** The lookbehind is refused, at its place in the schema. */
const BAD: GrammarSpec = {
  kind: 'json_schema',
  schema: '{"properties":{"a":{"type":"string","pattern":"(?<=a)b"}}}',
}

describe('a grammar is refused', () => {
  const check = (changes: Partial<GenerateRequest>, limit = 100, words = tokenizer) => {
    checkGrammar(request({ maxTokens: limit, ...changes }), words, undefined, { limit, continues: false })
  }

  test('in the words of the field that it came in, with the place inside it', () => {
    expect(() => check({ grammar: BAD })).toThrow(
      refused('grammar#/properties/a/pattern', /^grammar: .*pattern/),
    )
    expect(() => check({ grammar: BAD, grammarParam: 'response_format' })).toThrow(
      refused('response_format#/properties/a/pattern', /^response_format: /),
    )
    expect(() => matcherFor(BAD, tokenizer, {})).toThrow(refused('grammar#/properties/a/pattern', /^grammar/))
    const endless: GrammarSpec = { kind: 'ebnf', text: 'root ::= root' }
    expect(() => check({ grammar: endless, grammarParam: 'guided' })).toThrow(refused('guided', /^guided: /))
  })

  test('where its shortest text is longer than the answer may be', () => {
    expect(() => check({ grammar: FIVE }, 5)).not.toThrow()
    expect(() => check({ grammar: FIVE }, 4)).toThrow(refused('max_tokens', /room for 4 tokens.* takes 5$/))
  })

  test('where the vocabulary has no token for a byte of every text', () => {
    const dumb = { ...tokenizer, longestToken: () => -1 }
    expect(() => check({ grammar: FIVE, grammarParam: 'form' }, 100, dumb)).toThrow(
      refused('form', /vocabulary/),
    )
    // Without a limit, too: no number of tokens would do.
    expect(() => check({ grammar: FIVE }, Infinity, dumb)).toThrow(refused('grammar', /vocabulary/))
  })

  test('beside stop strings, unless they are empty', () => {
    expect(() => check({ grammar: FIVE, stop: ['', 'x'] })).toThrow(refused('stop', /leave stop out/))
    expect(() => check({ grammar: FIVE, stop: [''] })).not.toThrow()
    expect(() => check({ stop: ['x'] })).not.toThrow()
  })

  test('by what a prompt leaves of max_tokens, the context, and the positions', () => {
    const text = { manifest: mockManifest(), tokenizer }
    const prepare = (ids: number, changes: Partial<GenerateRequest>, maxPrompt = 50, maxPositions = 50) => {
      const prompt = { kind: 'ids' as const, ids: Array<number>(ids).fill(7) }
      const asked = request({ prompt, grammar: FIVE, ...changes })
      return preparePrompt(asked, text, { maxPrompt, maxPositions })
    }
    expect(() => prepare(3, { maxTokens: 4 })).toThrow(refused('max_tokens', /room for 4 /))
    expect(() => prepare(3, { maxTokens: 5 })).not.toThrow()
    expect(() => prepare(45, { maxTokens: undefined })).not.toThrow()
    expect(() => prepare(46, { maxTokens: 9 })).toThrow(refused('max_tokens', /room for 4 /))
    // A prompt that is cut leaves what it will have been cut to.
    expect(() => prepare(60, { maxTokens: 9, truncation: 'auto' }, 45)).not.toThrow()
    expect(() => prepare(60, { maxTokens: 9, truncation: 'auto' }, 46)).toThrow(
      refused('max_tokens', /room for 4 /),
    )
  })
})

/** An answer under a grammar, ready to choose. */
function answerUnder(
  grammar: GrammarSpec,
  {
    limit,
    rules = PLAIN_RULES,
    ...changes
  }: Partial<GenerateRequest> & { limit?: number; rules?: AnswerRules } = {},
  before: readonly number[] = [],
): Answer {
  const answer = new Answer(request({ grammar, ...changes }), tokenizer, [], rules)
  answer.replay(before, [])
  answer.begin(createScratch(tokenizer.vocabSize), limit)
  return answer
}

/** Logits that like these ids, the first most. */
function liking(...ids: readonly number[]): Float32Array {
  const logits = new Float32Array(tokenizer.vocabSize)
  for (const [i, id] of ids.entries()) logits[id] = 9 - i
  return logits
}

describe('an answer under a grammar', () => {
  test('of an older row that is refused now ends as an error of the request, not of ours', () => {
    const answer = new Answer(request({ grammar: BAD }), tokenizer, [])
    expect(() => answer.begin(createScratch(tokenizer.vocabSize))).toThrow(
      refused('grammar#/properties/a/pattern', /^grammar: .*pattern/),
    )
  })

  test('takes the best id that fits, and ends where nothing may follow', () => {
    const answer = answerUnder({ kind: 'choice', choices: ['yes', 'no'] })
    expect(answer.choose(liking(...bytes('xny')), 0)).toEqual({ id: bytes('n')[0], stop: false })
    expect(answer.choose(liking(...bytes('ye')), 1)).toEqual({ id: bytes('o')[0], stop: true })
    expect([answer.stopped, answer.closedEarly]).toEqual([true, false])
  })

  test('ends by an end id of the tokenizer or of the format, not before its text is whole', () => {
    const rules = { ...PLAIN_RULES, ends: new Set([MARK]) }
    for (const end of [END, MARK]) {
      const answer = answerUnder(DIGITS, { rules, ignoreEos: true })
      expect(answer.choose(liking(end, ...bytes('4')), 0)).toEqual({ id: bytes('4')[0], stop: false })
      expect(answer.choose(liking(end), 1)).toEqual({ id: end, stop: true })
      expect(answer.closedEarly).toBe(false)
    }
    const other = answerUnder(DIGITS)
    other.choose(liking(...bytes('4')), 0)
    expect(other.choose(liking(MARK, ...bytes('5')), 1)).toEqual({ id: bytes('5')[0], stop: false })
  })

  test('is cut by its limit, and says so', () => {
    const answer = answerUnder(DIGITS, { limit: 2 })
    expect(answer.choose(liking(...bytes('4')), 0).stop).toBe(false)
    expect(answer.closedEarly).toBe(false)
    expect(answer.choose(liking(...bytes('5')), 1)).toEqual({ id: bytes('5')[0], stop: true })
    expect(answer.closedEarly).toBe(true)
  })

  test('passes over what would come too late to end, and says so', () => {
    const answer = answerUnder({ kind: 'regex', pattern: 'a(b|cdef)' }, { limit: 3 })
    answer.choose(liking(...bytes('a')), 0)
    expect(answer.choose(liking(...bytes('cb')), 1)).toEqual({ id: bytes('b')[0], stop: true })
    expect(answer.closedEarly).toBe(true)
  })

  test('is text alone: no calls, no thoughts, no stop strings, no marks of a format', () => {
    const parsed = { ...PLAIN_RULES, stops: ['2'], marks: new Map([[bytes('1')[0], '!']]) }
    const parser = (): never => {
      throw new Error('the answer was parsed')
    }
    const answer = answerUnder(DIGITS, { rules: { ...parsed, parser } })
    for (const [at, id] of bytes('123').entries()) expect(answer.choose(liking(id), at).stop).toBe(false)
    let text = ''
    for (let event = answer.take(); event !== undefined; event = answer.take()) text += event.text
    expect(text).toBe('123')
  })

  test('goes on from where it was, its limit counted from the first id', () => {
    const going = answerUnder(FIVE, {}, bytes('abc'))
    expect(going.choose(liking(...bytes('ad')), 3)).toEqual({ id: bytes('d')[0], stop: false })
    expect(going.choose(liking(...bytes('x')), 4)).toEqual({ id: bytes('e')[0], stop: true })
    const cut = answerUnder(DIGITS, { limit: 3 }, bytes('12'))
    expect([cut.stopped, cut.choose(liking(...bytes('3')), 2).stop, cut.closedEarly]).toEqual([
      false,
      true,
      true,
    ])
  })

  test('that was whole when it was left has ended', () => {
    const whole = answerUnder(FIVE, {}, bytes('abcde'))
    expect([whole.stopped, whole.closedEarly]).toEqual([true, false])
    const full = answerUnder(DIGITS, { limit: 2 }, bytes('12'))
    expect([full.stopped, full.closedEarly]).toEqual([true, true])
  })

  test('that was given by another grammar is a conflict', () => {
    expect(() => answerUnder(FIVE, {}, bytes('abx'))).toThrow(
      expect.objectContaining({ code: 'conflict' }) as Error,
    )
    expect(answerUnder(FIVE, { grammar: undefined }, bytes('abx')).stopped).toBe(false)
  })
})
