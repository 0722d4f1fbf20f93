// Forced calls of functions with odd names and values, in each style of calls: who is called and with what comes through as it was meant.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { chatDialect } from '../../src/api/dialects/chat/dialect.ts'
import { joinCalls } from '../../src/protocol/generation.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { ask, eventsOf, mockLane, mockManifest, textOf } from '../helpers/mock-lane.ts'
import { MOCK_SPEC } from '../helpers/mock-model.ts'
import { request } from '../helpers/request.ts'

const SAID = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}'
const FORMATS: Record<string, ChatFormat> = {
  generic: mockManifest().chat,
  hermes: { kind: 'jinja', template: `{{ tools | tojson }}<tool_call>${SAID}` },
  'llama 3': {
    kind: 'jinja',
    template: `${SAID}{{ tools | tojson }}{"name": f, "parameters": dictionary of argument name and its value}`,
  },
  react: { kind: 'builtin', format: 'qwen1' },
  python: { kind: 'builtin', format: 'chatglm3' },
}

const required = (properties: object) => ({ type: 'object', properties, required: Object.keys(properties) })
const MARKS = ['</tool_call>', '<tool_call>', '</think>', '"}\n', "'\\n", '\nAction Input:', '```', '<|assistant|>'] // prettier-ignore

/** Functions by what is odd in them. */
const ODD: Record<string, { name: string; parameters?: unknown; description?: string }[]> = {
  'names that every object has': [{ name: '__proto__' }, { name: 'constructor' }, { name: 'toString' }],
  'one name within another': [{ name: 'get' }, { name: 'get_' }, { name: 'get_all' }, { name: 'a'.repeat(64) }], // prettier-ignore
  'names beyond ASCII': [{ name: 'größe-🌊', description: 'Wie groß? 🌊\u2028' }, { name: '天気' }],
  'names with quotes and spaces': [{ name: 'say "hi" \\' }, { name: 'a b' }],
  'no parameters': [{ name: 'a', parameters: null }, { name: 'b', parameters: {} }, { name: 'c' }],
  'keys that every object has': [
    { name: 'f', parameters: required({ ['__proto__']: { const: 1 }, constructor: { type: 'boolean' } }) },
  ],
  'values that look like marks': [{ name: 'f', parameters: required({ a: { enum: MARKS }, b: { enum: MARKS } }) }], // prettier-ignore
  'keys of one name, unlike in two': [
    { name: 'f', parameters: required({ a: { type: 'integer', minimum: 1, maximum: 9 } }) },
    { name: 'g', parameters: required({ a: { enum: ['x', 'y'] } }) },
  ],
}

const NAMES = ['<|im_start|>', '<|im_end|>', '<|endoftext|>', '[gMASK]', 'sop', '<|system|>', '<|user|>', '<|assistant|>', '<|observation|>'] // prettier-ignore

/** The byte tokenizer with the names of built-in formats in the places of control characters, which no JSON has. */
function namedTokenizer(): Tokenizer {
  const bytes = byteTokenizer()
  const isName = (id: number): boolean => id >= 1 && id <= NAMES.length
  return {
    ...bytes,
    idOf: (name) => (NAMES.includes(name) ? NAMES.indexOf(name) + 1 : bytes.idOf(name)),
    nameOf: (id) => NAMES[id - 1] ?? bytes.nameOf(id),
    isSpecial: (id) => isName(id) || bytes.isSpecial(id),
    byteAt: (id, at) => (isName(id) ? -1 : bytes.byteAt(id, at)),
    tokenBytes: (id) => (isName(id) ? new Uint8Array() : bytes.tokenBytes(id)),
  }
}

const ajv = new Ajv2020({ strict: false })

describe.each(Object.keys(FORMATS))('in the %s style', (style) => {
  const manifest = { ...mockManifest(), chat: FORMATS[style], spec: { ...MOCK_SPEC, context: 8192 } }
  const isNamed = FORMATS[style].kind === 'builtin'
  const tokenizer = isNamed ? namedTokenizer() : byteTokenizer()
  const { lane } = mockLane({
    model: { pageCount: 900 },
    // Words of functions are long in bytes.
    config: { maxPrompt: 7000, chunk: 64, windows: [2048] },
    parts: { readText: () => Promise.resolve({ manifest, tokenizer }) },
  })

  test.each(Object.keys(ODD))('%s', async (what) => {
    const functions = ODD[what]
    for (const [seed, { name }] of functions.entries()) {
      const asked = chatDialect.parse(
        {
          model: 'mock',
          messages: [{ role: 'user', content: 'q' }],
          tools: functions.map((each) => ({ type: 'function', function: each })),
          tool_choice: { type: 'function', function: { name } },
          max_tokens: 300,
          seed,
        },
        () => 1,
      )
      const { callRule, maxTokens, sampling } = asked.order
      const { prompt } = await asked.prompt(() => Promise.reject(new Error('none')))
      const events = await ask(lane, request({ ...(callRule && { callRule }), maxTokens, sampling, prompt }))
      expect(eventsOf(events, 'error')).toEqual([])
      const calls = joinCalls(eventsOf(events, 'text').flatMap((event) => event.calls ?? []))
      expect([calls.map((call) => call.name), textOf(events)]).toEqual([[name], ''])
      const { parameters } = functions[seed]
      const isValid = ajv.compile((parameters ?? { type: 'object' }) as object)
      const given: unknown = JSON.parse(calls[0].arguments)
      expect(isValid(given), calls[0].arguments).toBe(true)
    }
  })
})
