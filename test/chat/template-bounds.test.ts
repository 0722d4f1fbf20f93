// A chat template is a program of strangers: whatever it does, it ends within its steps, and so does any list of messages.

import { describe, expect, it } from 'vitest'
import { oneCallAtATime } from '../../src/chat/conversation.ts'
import { promptIds } from '../../src/chat/prompt-ids.ts'
import { checkTemplate, MAX_TEMPLATE_CHARS, renderPrompt } from '../../src/chat/template.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { TextMessage } from '../../src/chat/conversation.ts'
import { nameGuard } from '../../src/tokenizer/special.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'

const HELLO: TextMessage[] = [{ role: 'user', content: 'Hello' }]

function refusal(action: () => unknown): IsletError {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(IsletError)
    return error as IsletError
  }
  throw new Error('nothing was refused')
}

/** A text of 2 to the power of `doublings` times 8 characters, in ns.s. */
const LONG = (doublings: number): string =>
  `{% set ns = namespace(s='a b c d ') %}{% for i in range(${doublings}) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`

describe('a template that would not end', () => {
  it.each([
    [
      'a loop over a range of ranges',
      '{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}',
    ],
    [
      'loops with nothing in them',
      '{% set r = range(50000) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}',
    ],
    [
      'loops whose condition is never met',
      '{% set r = range(50000) %}{% for i in r %}{% for j in r if false %}{% endfor %}{% endfor %}',
    ],
    ['ranges as lists', '{% for i in range(100000) %}{{ range(100000) | list | length }}{% endfor %}'],
    [
      'a macro that calls itself twice',
      '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
    ],
    ['a macro that calls itself for ever', '{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}'],
    ['a text that doubles', LONG(60)],
    ['a text in each gap of a text', `${LONG(17)}{{ ns.s.replace('', ns.s) }}`],
    ['the same as a filter', `${LONG(17)}{{ ns.s | replace('', ns.s) }}`],
    ['the same under another name', `${LONG(17)}{% set f = ns['s']['re' ~ 'place'] %}{{ f('', ns.s) }}`],
    ['a text between the entries of a list', `${LONG(17)}{{ range(10000) | join(ns.s) }}`],
    [
      'a long text looked for in a long one',
      `${LONG(17)}{% for i in range(1000) %}{{ ('b' ~ ns.s) in (ns.s ~ ns.s) }}{% endfor %}`,
    ],
    ['a text cut into all its words', `${LONG(18)}{{ ns.s.split(' ') | length }}`],
    [
      'a list inside itself, twice and twice again',
      '{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}',
    ],
    [
      'namespaces inside namespaces',
      '{% set n = namespace(a=1) %}{% for i in range(60) %}{% set n.a = namespace(x=n.a, y=n.a) %}{% endfor %}{{ n.a }}',
    ],
    [
      'lists inside lists as JSON',
      '{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a|tojson }}',
    ],
    [
      'lists inside lists compared',
      '{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}',
    ],
    [
      'tuples inside tuples as a key',
      '{% set n = namespace(a=(1,)) %}{% for i in range(60) %}{% set n.a = (n.a, n.a) %}{% endfor %}{{ {n.a: 1} }}',
    ],
    ['a number of all digits', '{{ 7 ** (7 ** (7 ** 7)) }}'],
    [
      'a product of large numbers',
      '{% set n = namespace(a=7) %}{% for i in range(60) %}{% set n.a = n.a * n.a %}{% endfor %}{{ n.a }}',
    ],
    ['a wide format', "{{ '%*d' % (1000000000, 1) }}"],
    ['a wide field', "{{ '{:>1000000000}'.format(1) }}"],
    ['a namespace inside itself', '{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}'],
    ['a wide indent', '{{ [[1]] | tojson(indent=100000000) }}'],
    ['a wide indent of a block', '{% filter indent(500000000) %}a\nb{% endfilter %}'],
    [
      'sorting again and again',
      `${LONG(10)}{% set t = namespace(a=[]) %}{% for i in range(400) %}{% set t.a = t.a + [ns.s ~ i] %}{% endfor %}` +
        '{% for i in range(100000) %}{% set x = t.a | sort %}{% endfor %}',
    ],
  ])('%s', (_, template) => {
    const start = performance.now()
    const error = refusal(() => renderPrompt(template, HELLO))
    expect(performance.now() - start).toBeLessThan(8000)
    expect(error.code).toBe('invalid_request')
    expect(error.message).toMatch(
      /takes more than 2000000 steps|makes an integer of more than 65536 bits|makes a value of \d+ characters or entries|is nested deeper than 800 levels|call stack/,
    )
  })

  it('is refused before it is packed', () => {
    const error = refusal(() =>
      checkTemplate('{% for i in range(9999) %}{% for i in range(9999) %}x{% endfor %}{% endfor %}'),
    )
    expect([error.code, error.message]).toEqual([
      'invalid_file',
      'the chat template takes more than 2000000 steps for one message',
    ])
  })
})

describe('a template that cannot be read', () => {
  it.each([
    [
      'brackets without end',
      `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`,
      /line 1: nested deeper than 200 levels/,
    ],
    ['conditions without end', '{% if a %}'.repeat(10_000), /./],
    ['half a tag', '{% for', /./],
    ['too many characters', 'x'.repeat(MAX_TEMPLATE_CHARS + 1), /it has 131073 characters, at most 131072/],
    [
      'a filter that there is not',
      "a\n{% if false %}{{ 'x' | nope }}{% endif %}",
      /line 2: no filter is named 'nope'/,
    ],
    ['a test that there is not', '{{ 1 is nope(2) }}', /line 1: no test is named 'nope'/],
    [
      'another template',
      "{% include 'x' %}",
      /line 1: the tag 'include': there are no other templates to load/,
    ],
    ['a tag that is not known', '\n\n{% do x %}', /line 3: the tag 'do': is not known/],
    [
      'what the engine cannot do',
      "\n{{ 'x'.encode() }}",
      /line 2: bytes, which encode would give is not supported/,
    ],
  ])('%s', (_, template, message) => {
    for (const action of [() => renderPrompt(template, HELLO), () => checkTemplate(template)]) {
      const error = refusal(action)
      expect(error.code).toBe('unsupported_format')
      expect(error.message).toMatch(/^the chat template cannot be read: /)
      expect(error.message).toMatch(message)
    }
  })
})

describe('a good template', () => {
  it('may refuse a message, which does not make it bad', () => {
    checkTemplate("{{ raise_exception('the first message must be of the system') }}")
    expect(refusal(() => renderPrompt("{{ raise_exception('no') }}", HELLO)).message).toBe(
      'the chat template refuses these messages: no',
    )
  })

  it.each([
    ["{{ 1 + 'a' }}", "unsupported operand type(s) for +: 'int' and 'str'"],
    ['{{ nope.x }}', "'nope' is undefined"],
    ['{{ messages[0].x.y }}', "'dict object' has no attribute 'x'"],
    [
      '{{ range(1000000000000) | length }}',
      'Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).',
    ],
    ['{{ range(0, 1, 0.5) | length }}', "'float' object cannot be interpreted as an integer"],
    ['{{ [].append(1) }}', "access to attribute 'append' of 'list' object is unsafe."],
  ])('%s is refused in the words of Python', (template, says) => {
    const error = refusal(() => renderPrompt(template, HELLO))
    expect([error.code, error.message]).toEqual([
      'invalid_request',
      `the chat template refuses these messages: ${says}`,
    ])
    // A range that the sandbox bounds raises whatever the messages are.
    if (says.startsWith('Range too big'))
      expect(refusal(() => checkTemplate(template)).code).toBe('invalid_file')
    else checkTemplate(template)
  })

  it('may define a large macro again and again', () => {
    const macro = `{% macro m() %}${'{{ a }}'.repeat(9000)}{% endmacro %}`
    expect(renderPrompt(`{% for i in range(50000) %}${macro}{% endfor %}x`, HELLO)).toBe('x')
  })

  it('may have white space without end', () => {
    const start = performance.now()
    expect(
      renderPrompt(`{{ 1 }}${' '.repeat(50_000)}{{ 1 }}{% ${' '.repeat(50_000)}if 1 %}{% endif %}`, HELLO),
    ).toBe(`1${' '.repeat(50_000)}1`)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('messages without end', () => {
  const CHAT = {
    kind: 'jinja',
    template: '{% for m in messages %}{{ m.role }}{{ m.content }}{% endfor %}',
  } as const
  const empty = (count: number): TextMessage[] =>
    Array.from({ length: count }, (): TextMessage => ({ role: 'user', content: '' }))

  it('62,000 empty ones are a prompt', () => {
    expect(promptIds(byteTokenizer(), CHAT, empty(62_000))).toHaveLength(4 * 62_000 + 1)
  })

  it('400,000 are refused, whatever holds them', () => {
    const many = empty(400_000)
    for (const action of [
      () => promptIds(byteTokenizer(), CHAT, many),
      () => promptIds(byteTokenizer(), CHAT, many, { trusted: true }),
    ])
      expect(refusal(action).message).toMatch(/makes a value of 6400001 .* for these messages: send fewer/)
    // Tools and variables that the template does not look at cost nothing.
    for (const options of [{ tools: many }, { variables: { many } }])
      expect(promptIds(byteTokenizer(), CHAT, HELLO, options)).toHaveLength(10)
  })

  it('200,000 results of 100,000 calls are put in order', () => {
    const calls = Array.from({ length: 100_000 }, (_, id) => ({ id: String(id), function: { name: 'f' } }))
    const result = (id: string | undefined, content: string): TextMessage => ({
      role: 'tool',
      content,
      ...(id !== undefined && { tool_call_id: id }),
    })
    const results = calls.toReversed().map(({ id }) => result(id, id))
    const rest = calls.map(() => result('nobody', 'rest'))
    const ordered = oneCallAtATime([
      { role: 'assistant', content: 'x', tool_calls: calls },
      ...rest,
      ...results,
    ])
    expect(ordered).toHaveLength(300_000)
    expect(ordered.slice(0, 4).map(({ content }) => content)).toEqual(['x', '0', '', '1'])
    expect(ordered.at(-1)?.content).toBe('rest')
  })

  it('results without an id go to the calls in order', () => {
    const result = (content: string, id?: string): TextMessage => ({
      role: 'tool',
      content,
      tool_call_id: id,
    })
    const calls = ['a', 'b', 'c'].map((id) => ({ id, function: { name: 'f' } }))
    const messages = [
      { role: 'assistant', content: '', tool_calls: calls } as TextMessage,
      ...[result('for b', 'b'), result('any 1'), result('for a', 'a'), result('any 2')],
    ]
    const given = oneCallAtATime(messages).filter(({ role }) => role === 'tool')
    expect(given.map(({ content }) => content)).toEqual(['any 1', 'for b', 'any 2', 'for a'])
  })
})

describe('names without end', () => {
  it('6000 special tokens are kept out of 20,000 messages, and a long one too', () => {
    const names = [...Array.from({ length: 6000 }, (_, i) => `<unused${i}>`), `<${'long'.repeat(50)}>`]
    const guard = nameGuard(names, '#')
    const start = performance.now()
    for (let i = 0; i < 20_000; i++) expect(guard('a', 'edges')).toBe('a')
    expect(performance.now() - start).toBeLessThan(8000)
    expect(guard('a <unused59', 'edges')).toBe('a <unused59#')
    expect(guard('99> a', 'edges')).toBe('#99> a')
    expect(guard('longlong> a <longl', 'edges')).toBe('#longlong> a <longl#')
    expect(guard('<unused7>', 'inside')).toBe('<#unused7>')
  })
})
