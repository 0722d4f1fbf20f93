// These tests hold what a body asks of its answer's text: each door's spelling, digits and order of a schema kept.

import { describe, expect, it } from 'vitest'
import { formatOf } from '../../src/api/dialects/answer-format.ts'
import { parseExactJson } from '../../src/lib/exact-json.ts'

/** What a body of these fields asks for, read exactly. */
function asked(text: string, stop: string[] = []) {
  const body = parseExactJson(text) as Map<string, unknown>
  return formatOf((name) => body.get(name), stop)
}

const SCHEMA = '{"type":"object","properties":{"10":{"minimum":1.0},"2":{"const":12345678901234567890}}}'

describe('the format of an answer', () => {
  it.each([
    ['{}', {}],
    ['{"response_format":null}', {}],
    ['{"response_format":{"type":"text"}}', {}],
    ['{"text":{"format":{"type":"text"}}}', {}],
    ['{"text":{}}', {}],
    [
      '{"response_format":{"type":"json_object"}}',
      { grammar: { kind: 'json_object' }, grammarParam: 'response_format.schema' },
    ],
    [
      `{"response_format":{"type":"json_object","schema":${SCHEMA}}}`,
      { grammar: { kind: 'json_schema', schema: SCHEMA }, grammarParam: 'response_format.schema' },
    ],
    [
      `{"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":${SCHEMA}}}}`,
      {
        grammar: { kind: 'json_schema', schema: SCHEMA },
        grammarParam: 'response_format.json_schema.schema',
      },
    ],
    [
      '{"response_format":{"type":"json_schema","json_schema":{"name":"a"}}}',
      { grammar: { kind: 'json_object' }, grammarParam: 'response_format.json_schema.schema' },
    ],
    [
      `{"text":{"format":{"type":"json_schema","name":"a","schema":${SCHEMA}}}}`,
      { grammar: { kind: 'json_schema', schema: SCHEMA }, grammarParam: 'text.format.schema' },
    ],
    [
      `{"structured_outputs":{"json":${SCHEMA},"regex":null}}`,
      { grammar: { kind: 'json_schema', schema: SCHEMA }, grammarParam: 'structured_outputs.json' },
    ],
    [
      `{"structured_outputs":{"json":${JSON.stringify(SCHEMA)}}}`,
      { grammar: { kind: 'json_schema', schema: SCHEMA }, grammarParam: 'structured_outputs.json' },
    ],
    [
      '{"structured_outputs":{"regex":"a+"}}',
      { grammar: { kind: 'regex', pattern: 'a+' }, grammarParam: 'structured_outputs.regex' },
    ],
    [
      '{"structured_outputs":{"choice":["a","b"]}}',
      { grammar: { kind: 'choice', choices: ['a', 'b'] }, grammarParam: 'structured_outputs.choice' },
    ],
    [
      '{"structured_outputs":{"grammar":"root ::= \\"a\\""}}',
      { grammar: { kind: 'ebnf', text: 'root ::= "a"' }, grammarParam: 'structured_outputs.grammar' },
    ],
  ])('of %s', (body, format) => {
    expect(asked(body)).toEqual(format)
  })

  it('is asked for once, and not beside stop strings', () => {
    expect(() =>
      asked('{"structured_outputs":{"regex":"a"},"response_format":{"type":"json_object"}}'),
    ).toThrow(expect.objectContaining({ code: 'invalid_request', param: 'structured_outputs' }) as Error)
    expect(() => asked('{"response_format":{"type":"json_object"}}', ['a'])).toThrow(
      expect.objectContaining({ code: 'invalid_request', param: 'stop' }) as Error,
    )
  })
})
