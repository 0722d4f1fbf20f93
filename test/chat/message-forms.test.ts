// Messages reach a template as they were sent: contents of null or of parts, calls as objects or as text.

import { expect, it } from 'vitest'
import { promptIds, promptText } from '../../src/chat/prompt-ids.ts'
import { answerParser, readsToolCalls } from '../../src/chat/answers/rules.ts'
import { messageForms } from '../../src/chat/message-forms.ts'
import { takesParts } from '../../src/chat/content-parts.ts'
import { Float, parseExactJson, type ExactObject } from '../../src/lib/exact-json.ts'
import type { JsonObject } from '../../src/lib/json-value.ts'
import type { ChatMessage } from '../../src/protocol/generation.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'

const tokenizer = byteTokenizer()
const render = (template: string, messages: ChatMessage[]): string =>
  promptText(tokenizer, { kind: 'jinja', template }, messages)

const call = (given: unknown): ChatMessage => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: given } }],
})
const args = (template: string): string =>
  `{% for m in messages %}{% for c in m.tool_calls %}{% set a = c.function.arguments %}${template}{% endfor %}{% endfor %}`
const form = (messages: ChatMessage[]) => [...messageForms(messages, () => false)]

it.each<[string, string, unknown, string]>([
  ['an object of a text', '{{ a.x }}', '{"x":"1"}', '1'],
  ['an object as it is', '{{ a.x }}', { x: '1' }, '1'],
  ['a list', '{{ a[0] }}', '["1"]', '1'],
  ['a text that is no JSON', '{{ a }}', 'x=1', 'x=1'],
  ['a text that is a number', '{{ a }}', '1.0', '1.0'],
  [
    'the text where the object is refused',
    '{% if a is mapping %}{{ raise_exception("a") }}{% endif %}{{ a }}',
    '{"b":1.0,"10":2}',
    '{"b":1.0,"10":2}',
  ],
  [
    'text of an object where that is refused',
    '{% if a is mapping %}{{ raise_exception("a") }}{% endif %}{{ a }}',
    { x: '1' },
    '{"x":"1"}',
  ],
])('arguments are handed over as %s', (_, template, given, printed) => {
  expect(render(args(template), [call(given)])).toBe(printed)
})

it('of errors over both forms of arguments the first counts', () => {
  const template = args('{{ raise_exception("an object" if a is mapping else "a text") }}')
  expect(() => render(template, [call('{}')])).toThrow('refuses these messages: an object')
})

it('a template that takes too much is not tried again', () => {
  const template = args('{% for x in range(2000) %}{% for y in range(2000) %}{% endfor %}{% endfor %}')
  const began = performance.now()
  expect(() => promptIds(tokenizer, { kind: 'jinja', template }, [call('{}')])).toThrow('steps')
  expect(performance.now() - began).toBeLessThan(5000)
})

it('arguments keep their digits and the order of their keys', () => {
  const [objects, texts] = form([call('{"b":1.0,"10":2}')])
  const given = (messages: JsonObject[]) =>
    (messages[0] as { tool_calls: { function: { arguments: unknown } }[] }).tool_calls[0].function.arguments
  expect(given(objects)).toEqual(
    new Map<string, unknown>([
      ['b', new Float(1)],
      ['10', 2],
    ]),
  )
  expect(given(texts)).toBe('{"b":1.0,"10":2}')
  const sent = '{"role":"assistant","content":"","tool_calls":[{"function":{"arguments":{"b":1.0,"10":2}}}]}'
  const [, text] = messageForms([parseExactJson(sent) as ExactObject], () => false)
  expect(text[0]).toEqual(parseExactJson(sent.replace('{"b":1.0,"10":2}', '"{\\"b\\":1.0,\\"10\\":2}"')))
})

it('a content of null or none is none, and empty only where the template cannot take it', () => {
  const asks = '{% for m in messages %}{{ m.content is none }}{{ m.content is defined }}{% endfor %}'
  expect(
    render(asks, [{ role: 'user', content: null }, { role: 'user' }, { role: 'user', content: '' }]),
  ).toBe('TrueTrueFalseFalseFalseTrue')
  const refuses =
    '{% for m in messages %}{% if m.content is none %}{{ raise_exception("none") }}{% endif %}[{{ m.content }}]{% endfor %}'
  expect(render(refuses, [{ role: 'user', content: null }])).toBe('[]')
})

it('thoughts, names, ids and further fields are there', () => {
  const template =
    '{% for m in messages %}{{ m.reasoning_content }}{{ m.reasoning }}{{ m.name }}{% if m.more %}{{ m.more.x }}{% endif %}{{ m.tool_call_id }}{% endfor %}'
  expect(
    render(template, [
      { role: 'assistant', content: 'a', reasoning_content: 'T', reasoning: 'R' },
      { role: 'tool', content: 'r', tool_call_id: 'I', name: 'N', more: { x: 'X' } },
    ]),
  ).toBe('TRNXI')
})

it('variables hide marks and documents, and nothing of the conversation', () => {
  const template =
    '{{ bos_token }}{{ documents[0] }}{{ messages | length }}{{ tools is none }}{{ add_generation_prompt }}'
  const variables = {
    bos_token: 'B',
    documents: ['D'],
    messages: [],
    tools: [1],
    add_generation_prompt: false,
  }
  const text = promptText(tokenizer, { kind: 'jinja', template }, [{ role: 'user', content: 'q' }], {
    variables,
  })
  expect(text).toBe('BD1TrueTrue')
})

it('the template for tools is taken where tools are given', () => {
  const chat = {
    kind: 'jinja' as const,
    template: 'plain',
    toolTemplate: 'tools {{ tools[0].function.name }}',
  }
  const text = (tools: object[]) => promptText(tokenizer, chat, [{ role: 'user', content: 'q' }], { tools })
  expect([text([]), text([{ type: 'function', function: { name: 'f' } }])]).toEqual(['plain', 'tools f'])
  const marked = { ...chat, toolTemplate: '<tool_call> {{ tools }} </think>' }
  expect([readsToolCalls(chat), readsToolCalls(marked)]).toEqual([false, true])
  const parse = (tools: boolean) => answerParser(marked, { tools }).push('<think>a</think>b')
  expect([parse(false), parse(true)].map((parts) => parts.map(({ kind }) => kind))).toEqual([
    ['content'],
    ['reasoning', 'content'],
  ])
})

const BOTH =
  '{% for m in messages %}{{ m.role }}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}<{{ p.text }}>{% endfor %}{% endif %}{% endfor %}'

it.each<[string, string, string, boolean]>([
  ['loops over them', BOTH, 'user', true],
  [
    'takes nothing else',
    '{% for m in messages %}{% for p in m.content %}{{ p["text"] }}{% endfor %}{% endfor %}',
    'user',
    true,
  ],
  ['would print the list', '{% for m in messages %}{{ m.content | tojson }}{% endfor %}', 'user', false],
  [
    'leaves them out',
    '{% for m in messages %}{% if m.content is string %}{{ m.content }}{% endif %}{% endfor %}',
    'user',
    false,
  ],
  [
    'raises',
    '{% for m in messages %}{% if m.content is not string %}{{ raise_exception("no") }}{% endif %}{% endfor %}',
    'user',
    false,
  ],
  [
    'loops in other roles',
    `{% if messages[0].role == 'system' %}{{ messages[0].content | tojson }}{% set messages = messages[1:] %}{% endif %}${BOTH}`,
    'system',
    false,
  ],
  [
    'loops in this role',
    `{% if messages[0].role == 'system' %}{{ messages[0].content | tojson }}{% set messages = messages[1:] %}{% endif %}${BOTH}`,
    'tool',
    true,
  ],
])('whether a template takes parts: it %s', (_, template, role, takes) => {
  expect(takesParts(template, role)).toBe(takes)
})

it('parts reach a template that takes parts, with refusals as text; others get one text', () => {
  const content = [
    { type: 'text', text: 'a' },
    { type: 'refusal', refusal: 'b' },
  ]
  expect(render(BOTH, [{ role: 'user', content }])).toBe('user<a><b>')
  expect(render('{% for m in messages %}[{{ m.content }}]{% endfor %}', [{ role: 'user', content }])).toBe(
    '[a\nb]',
  )
})
