// What extract and decide are made of, without a browser: examples, schemas and their faults, requests, questions, answers in words.

import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { DECIDE_EXAMPLES, EXTRACT_EXAMPLES } from '../../page/state/examples.ts'
import { extractBody, refusedAt, schemaOf, type Fault } from '../../page/state/extract-request.ts'
import { asked, emptyQuestion, problemOf, verdictOf, type DecisionReply } from '../../page/state/questions.ts'
import { bytesInWords, percent } from '../../page/state/memory.ts'
import { ago } from '../../page/state/sessions.ts'
import { parseChat } from '../../src/api/dialects/chat/schema.ts'
import { parseDecision } from '../../src/api/decisions/schema.ts'
import { compileGrammar } from '../../src/grammar/grammar.ts'
import { takes } from '../grammar/accepts.ts'

describe('examples to extract', () => {
  it.each(EXTRACT_EXAMPLES.map((example) => [example.title, example] as const))(
    '%s: its schema is one that is held, and takes the worked example',
    (_, { schema, shot, text }) => {
      const read = schemaOf(schema)
      if (!('schema' in read)) throw new Error(read.fault.message)
      const grammar = compileGrammar({ kind: 'json_schema', schema })
      expect(grammar.ignored).toEqual([])
      const body = extractBody({ model: 'm', text, schema: read.schema, shot, systemPrompt: '', sampling: {}, alternatives: 0 }) // prettier-ignore
      const { order } = parseChat(JSON.parse(JSON.stringify(body)) as Record<string, unknown>, () => 0)
      expect(order).toMatchObject({ forcedTokens: true, sampling: { temperature: 0 } })
      if (shot === undefined) return
      expect(takes(grammar.start, shot.answer)).toBe(true)
      const ajv = new Ajv({ strict: false })
      addFormats(ajv)
      expect(ajv.validate(read.schema as object, JSON.parse(shot.answer))).toBe(true)
    },
  )

  it('are five at least', () => expect(EXTRACT_EXAMPLES.length).toBeGreaterThanOrEqual(5))
})

describe('examples to decide', () => {
  it.each(DECIDE_EXAMPLES.map((example) => [example.title, example] as const))(
    '%s can be asked',
    (_, { text, questions }) => {
      for (const question of questions) expect(problemOf(question)).toBeUndefined()
      const order = parseDecision({ model: 'm', input: text, questions: asked(questions) })
      expect(order.questions.map(({ type }) => type)).toEqual(questions.map(({ type }) => type))
    },
  )

  it('have all three forms', () => {
    const types = new Set(DECIDE_EXAMPLES.flatMap(({ questions }) => questions.map(({ type }) => type)))
    expect([...types].sort()).toEqual(['choice', 'predicate', 'score'])
  })
})

describe('a request to extract', () => {
  const wish = { model: undefined, text: 'T', schema: { properties: { a: {}, b: {} } }, shot: undefined, systemPrompt: '', sampling: {}, alternatives: 0 } // prettier-ignore
  const messagesOf = (more: object) => (extractBody({ ...wish, ...more }) as { messages: object[] }).messages

  it('names the fields, and shows the worked example as a turn before', () => {
    const instruction = 'Read the text and fill in the fields a, b as JSON.'
    expect(messagesOf({})).toEqual([{ role: 'user', content: `${instruction}\n\nT` }])
    expect(messagesOf({ shot: { text: 'S', answer: '{}' }, systemPrompt: 'Be kind.' })).toEqual([
      { role: 'system', content: `Be kind.\n\n${instruction}` },
      { role: 'user', content: 'Text: S' },
      { role: 'assistant', content: '{}' },
      { role: 'user', content: 'Text: T' },
    ])
  })

  it('takes the likeliest tokens, unless the person says otherwise', () => {
    expect(extractBody(wish)).toMatchObject({ temperature: 0, max_tokens: 400 })
    expect(JSON.stringify(extractBody(wish))).not.toContain('top_logprobs')
    const body = extractBody({ ...wish, sampling: { temperature: 1, max_tokens: 9 }, alternatives: 5 })
    expect(body).toMatchObject({ temperature: 1, max_tokens: 9, top_logprobs: 5 })
  })
})

describe('what is wrong with a schema', () => {
  const faultOf = (text: string): Fault | undefined => {
    const read = schemaOf(text)
    return 'fault' in read ? read.fault : undefined
  }

  it('is told with its line and place', () => {
    expect(schemaOf('{"a": [1]}')).toEqual({ schema: { a: [1] } })
    expect(faultOf('{\n  "a": 1,\n}')).toMatchObject({ line: 3, start: 12, end: 13 })
    expect(faultOf('{\n  "a": 1,\n}')?.message).toContain('comma too many')
    expect(faultOf("{'a': 1}")).toMatchObject({ line: 1, start: 1 })
    expect(faultOf("{'a': 1}")?.message).toContain('double quotes')
    expect(faultOf('{"a": \n')).toMatchObject({ line: 2, start: 7, end: 7 })
    expect(faultOf(' ')?.message).toContain('Write a schema')
    expect(faultOf('{"a": 😀}')?.message).toContain('😀')
  })

  it('is found where the server points to', () => {
    const text = '{\n  "properties": {\n    "a/b": {"pattern": "("}\n  }\n}'
    const param = 'response_format.json_schema.schema'
    const at = (pointer: string) => refusedAt(text, param + pointer, `${param}: it cannot be read`)
    const place = (pointer: string) => text.slice(at(pointer)?.start, at(pointer)?.end)
    expect(place('#/properties/a~1b/pattern')).toBe('"("')
    expect(at('#/properties/a~1b/pattern')?.line).toBe(3)
    expect(at('#/properties/a~1b/pattern')?.message).toBe('The server does not take this: it cannot be read')
    expect(place('')).toBe(text)
    expect(place('#/properties/c')).toContain('"a/b"')
    expect(refusedAt(text, 'messages', 'too long')).toBeUndefined()
    expect(refusedAt(text, undefined, 'no')).toBeUndefined()
  })
})

describe('questions', () => {
  it('say what they lack', () => {
    expect(problemOf(emptyQuestion('predicate'))).toContain('true')
    expect(problemOf(emptyQuestion('choice'))).toContain('name')
    const options = ['a', ' a '].map((label) => ({ label, description: '' }))
    expect(problemOf({ ...emptyQuestion('choice'), options })).toContain('one name')
    expect(problemOf({ ...emptyQuestion('score'), options: options.slice(1) })).toBeUndefined()
  })

  it('are sent without what was left empty', () => {
    const options = [{ label: ' a ', description: ' means a ' }, { label: 'b', description: ' ' }] // prettier-ignore
    expect(
      asked([
        { type: 'choice', name: ' ', instructions: '', options },
        { type: 'score', name: 'n', instructions: ' q ', options },
        { type: 'predicate', name: '', instructions: 'So.', options },
      ]),
    ).toEqual([
      // prettier-ignore
      { type: 'choice', choices: [{ value: 'a', description: 'means a' }, { value: 'b' }] },
      { type: 'score', name: 'n', instructions: 'q', levels: [{ label: 'a', description: 'means a' }, { label: 'b' }] }, // prettier-ignore
      { type: 'predicate', instructions: 'So.' },
    ])
  })
})

describe('answers in words', () => {
  const reply = (answers: DecisionReply['answers'], reliability: DecisionReply['islet']['reliability']) => ({
    answers,
    usage: { input_tokens: 1, input_tokens_details: { cached_tokens: 0 } },
    islet: { reliability },
  })
  const verdict = (
    answer: DecisionReply['answers'][number],
    raw = answer,
    reliability: DecisionReply['islet']['reliability'][number] = 'measured',
  ) =>
    // prettier-ignore
    verdictOf(reply([answer], [reliability]), reply([raw], [reliability]), 0)

  it('of a statement, which near even odds says nothing', () => {
    const said = verdict({ type: 'predicate', probability: 0.9 }, { type: 'predicate', probability: 0.25 })
    expect(said).toMatchObject({ said: 'true, 90 %', note: undefined })
    expect(said.bars).toMatchObject([
      { label: 'true', calibrated: 0.9, raw: 0.25, isBest: true },
      { label: 'not true', raw: 0.75, isBest: false },
    ])
    for (const probability of [0.41, 0.5, 0.59])
      expect(verdict({ type: 'predicate', probability }).note).toContain('Near even odds')
    for (const probability of [0.39, 0.61])
      expect(verdict({ type: 'predicate', probability }).note).toBeUndefined()
  })

  it('of a choice and a score, with how far they were measured', () => {
    const probabilities = [{ value: true, probability: 0.2 }, { value: 'true', probability: 0.8 }] // prettier-ignore
    const choice = { type: 'choice' as const, choice: 'true', probabilities }
    expect(verdict(choice)).toMatchObject({ said: 'true, 80 %', note: undefined })
    expect(verdict(choice, choice, 'unmeasured').note).toContain('Not measured')
    const levels = ['low', 'mid', 'high'].map((label, value) => ({ label, value, probability: [0.5, 0.3, 0.2][value] })) // prettier-ignore
    const score = { type: 'score' as const, score: 0.7, probabilities: levels }
    expect(verdict(score, score, 'near_chance')).toMatchObject({
      said: '0.7 of 2, most likely low',
      note: expect.stringContaining('Near chance') as string,
    })
  })

  it('claim no certainty', () => {
    expect([0, 0.004, 0.01, 0.5, 0.99, 0.9951, 1].map(percent)).toEqual(['0 %', '0.4 %', '1 %', '50 %', '99 %', '> 99 %', '100 %']) // prettier-ignore
  })
})

it('ages and sizes are told roughly', () => {
  expect([0, 59, 60, 3599, 7200, 200_000].map((seconds) => ago(1000, 1000 + seconds))).toEqual(['just now', 'just now', '1 minute ago', '59 minutes ago', '2 hours ago', '2 days ago']) // prettier-ignore
  expect(ago(2000, 1000)).toBe('just now')
  expect([0, 999, 1000, 999_499, 1_000_000, 2_560_000, 70e6].map(bytesInWords)).toEqual(['0 B', '999 B', '1 kB', '999 kB', '1.0 MB', '2.6 MB', '70 MB']) // prettier-ignore
})
