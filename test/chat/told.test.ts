// Functions told in plain words: what a format without calls of its own reads of them, of earlier calls and of results.

import { expect, it } from 'vitest'
import { toldOf } from '../../src/chat/calls/told.ts'
import { promptText } from '../../src/chat/prompt-ids.ts'
import { readJson } from '../../src/lib/json-value.ts'
import type { BuiltinFormat, ChatFormat } from '../../src/weights/manifest.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'

const tokenizer = byteTokenizer()
const SMOL: ChatFormat = {
  kind: 'jinja',
  template: '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}',
}
/** As Gemma's first template: no system message, and strict turns. */
const GEMMA: ChatFormat = {
  kind: 'jinja',
  template: `{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns') }}{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}`,
}
const builtin = (format: BuiltinFormat): ChatFormat => ({ kind: 'builtin', format })
const TOOL = readJson(
  '{"type":"function","function":{"name":"f","parameters":{"10":1.0,"2":12345678901234567890}}}',
)

const call = (name: string, given: unknown) => ({
  id: name,
  type: 'function',
  function: { name, arguments: given },
})
const MESSAGES = [
  { role: 'user', content: 'q' },
  { role: 'assistant', content: 'hm', tool_calls: [call('f', '{"a": 1.0}'), call('g', { b: 2 })] },
  { role: 'tool', tool_call_id: 'f', content: 'one' },
  { role: 'tool', tool_call_id: 'g', content: [{ type: 'text', text: 'two' }] },
  { role: 'user', content: 'and?' },
]

function shown(chat: ChatFormat, messages: object[], tools: unknown[] = [TOOL]): string {
  const told = toldOf(tokenizer, chat, messages as { role: string }[], { tools })
  return promptText(tokenizer, chat, told.messages, { ...told.options, addGenerationPrompt: true })
}

it('stand in the system message, each as it was sent', () => {
  const text = shown(SMOL, [{ role: 'system', content: 'Be kind.' }, ...MESSAGES.slice(0, 1)])
  expect(text).toMatch(/^\[system\]Be kind\.\n\nYou can call these functions:\n/)
  expect(text).toContain('{"name":"f","parameters":{"10":1.0,"2":12345678901234567890}}')
  expect(text).toMatch(/\[user\]q$/)
  expect(shown(SMOL, MESSAGES.slice(0, 1))).toMatch(/^\[system\]You can call/)
})

it('stand in the first question where no system message is printed', () => {
  for (const chat of [GEMMA, builtin('chatglm2'), builtin('baichuan2'), builtin('llama2')]) {
    const own = { ...tokenizer, idOf: (name: string) => tokenizer.idOf(name) ?? 7, eosId: 257 }
    const told = toldOf(own, chat, MESSAGES as { role: string }[], { tools: [TOOL] })
    const text = promptText(own, chat, told.messages, told.options)
    expect(text.indexOf('You can call'), text).toBeGreaterThanOrEqual(0)
    expect(text.indexOf('You can call')).toBeLessThan(text.indexOf('q'))
  }
  expect(shown(GEMMA, MESSAGES)).toMatch(/^\[user\]You can call[^]*\n\nq\[assistant\]hm/)
})

it('leave calls and results as text, in turns, and arguments as they were written', () => {
  expect(shown(SMOL, MESSAGES, [])).toBe(
    '[user]q[assistant]hm\n' +
      '<tool_call>\n{"name": "f", "arguments": {"a": 1.0}}\n</tool_call>\n' +
      '<tool_call>\n{"name": "g", "arguments": {"b":2}}\n</tool_call>' +
      '[user]<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>\nand?',
  )
  expect(shown(SMOL, MESSAGES.slice(0, 4), [])).toMatch(/two\n<\/tool_response>$/)
})

it('change nothing where there are none, or where the format has words for them', () => {
  const plain = [{ role: 'user', content: [{ type: 'text', text: 'q' }] }]
  expect(toldOf(tokenizer, SMOL, plain, { tools: [] }).messages).toBe(plain)
  const own: ChatFormat = { kind: 'jinja', template: '{{ tools }}<tool_call>{{ messages }}' }
  const options = { tools: [TOOL] }
  expect(toldOf(tokenizer, own, plain, options)).toEqual({ messages: plain, options })
  const saying: ChatFormat = { kind: 'jinja', template: '{{ messages[0].tool_calls }}' }
  expect(toldOf(tokenizer, saying, MESSAGES, { tools: [] }).messages).toBe(MESSAGES)
})
