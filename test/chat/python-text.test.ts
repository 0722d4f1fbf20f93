// Numbers, white space and calls as the Python code of the built-in formats writes them.

import { join } from 'node:path'
import { expect, it } from 'vitest'
import { promptText } from '../../src/chat/prompt-ids.ts'
import { pythonJson, pythonLiteral, pythonStrip, pythonStripEnd } from '../../src/chat/python-text.ts'
import { parseExactJson, type ExactObject } from '../../src/lib/exact-json.ts'
import { FIXTURES, fromFolder } from '../tokenizer/support.ts'

/** What CPython 3 prints: `json.dumps(json.loads(text))`. */
it.each([
  ['1.0', '1.0'],
  ['1', '1'],
  ['-0', '0'],
  ['-0.0', '-0.0'],
  ['100000.0', '100000.0'],
  ['1e5', '100000.0'],
  ['1e15', '1000000000000000.0'],
  ['1e16', '1e+16'],
  ['123456789012345680.0', '1.2345678901234568e+17'],
  ['1.5e300', '1.5e+300'],
  ['0.0001', '0.0001'],
  ['0.00001', '1e-05'],
  ['1.25e-7', '1.25e-07'],
  ['5e-324', '5e-324'],
  ['12345678901234567890', '12345678901234567890'],
  ['-9007199254740993', '-9007199254740993'],
  ['1e999', 'Infinity'],
  ['-1e999', '-Infinity'],
  ['{"b": 1, "10": 2, "2": 3}', '{"b": 1, "10": 2, "2": 3}'],
])('the number %s is %s', (text, printed) => {
  expect(pythonJson(parseExactJson(text))).toBe(printed)
  if (!printed.includes('{'))
    expect(pythonLiteral(parseExactJson(text))).toBe(printed.replace('Infinity', 'inf'))
})

it('plain numbers that are no integers are floats', () => {
  expect([0.5, 1e-5, 1e21, 3].map((value) => pythonJson(value))).toEqual(['0.5', '1e-05', '1e+21', '3'])
})

it('white space is what str.isspace counts', () => {
  const spaces = '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000'
  expect(pythonStrip(`${spaces}a b${spaces}`)).toBe('a b')
  expect(pythonStrip(spaces)).toBe('')
  expect(pythonStripEnd(`${spaces}a${spaces}`)).toBe(`${spaces}a`)
  expect(pythonStrip('\ufeff\u200b a\ufeff')).toBe('\ufeff\u200b a\ufeff')
})

const exact = (text: string) => parseExactJson(text) as ExactObject

it('ChatGLM3 is told of functions and calls with their digits and the order of keys', async () => {
  const tokenizer = await fromFolder(join(FIXTURES, 'chatglm3'))
  const messages = [
    { role: 'user', content: 'q' },
    exact(
      '{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\\"b\\":1.0,\\"10\\":1e16,\\"2\\":12345678901234567890}"}}]}',
    ),
    { role: 'tool', content: 'r', tool_call_id: 'a' },
  ]
  const tool = exact(
    '{"type":"function","function":{"name":"f","parameters":{"z":1.0,"10":{"maximum":1e16},"2":3}}}',
  )
  const text = promptText(tokenizer, { kind: 'builtin', format: 'chatglm3' }, messages, { tools: [tool] })
  expect(text).toContain('tool_call(b=1.0, 10=1e+16, 2=12345678901234567890)')
  expect(text).toContain(
    '"parameters": {\n            "z": 1.0,\n            "10": {\n                "maximum": 1e+16\n            },\n            "2": 3\n        }',
  )
})

it('Qwen 1 writes the arguments of a call that came as an object, and schemas, as Python does', async () => {
  const tokenizer = await fromFolder(join(FIXTURES, 'qwen1'))
  const messages = [
    { role: 'user', content: 'q\x85' },
    exact('{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"b":1.0,"10":2}}}]}'),
    { role: 'tool', content: '\n r\ufeff\x1f' },
  ]
  const tool = exact('{"type":"function","function":{"name":"f","parameters":{"z":1e-5,"10":1}}}')
  const text = promptText(tokenizer, { kind: 'builtin', format: 'qwen1' }, messages, { tools: [tool] })
  expect(text).toContain('Action Input: {"b": 1.0, "10": 2}\nObservation:  r\ufeff\nThought:')
  expect(text).toContain('Parameters: {"z": 1e-05, "10": 1}')
  expect(text).toContain('Question: q<|im_end|>')
})

it('LLaMA 2 strips as Python does', async () => {
  const tokenizer = await fromFolder(join(FIXTURES, 'llama'))
  const messages = ['\x1f q\ufeff', ' a\x85', 'r'].map((content, index) => ({
    role: index === 1 ? 'assistant' : 'user',
    content,
  }))
  const text = promptText(tokenizer, { kind: 'builtin', format: 'llama2' }, messages)
  expect(text).toBe('<s>[INST] q\ufeff [/INST] a </s><s>[INST] r [/INST]')
})
