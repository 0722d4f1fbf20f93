// The request schemas give JSON Schemas that say the same: every field has its rule, and a plain JSON Schema validator
// takes and refuses what our parsers take and refuse.

import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { messagesSchema, parseMessages } from '../../src/api/dialects/anthropic/schema.ts'
import { parseResponse, responseSchema } from '../../src/api/dialects/responses/schema.ts'
import { chatSchema, parseChat } from '../../src/api/dialects/chat/schema.ts'
import { completionSchema, parseCompletion } from '../../src/api/dialects/completions/schema.ts'
import { errorCode } from '../../src/lib/errors.ts'

type Fields = Record<string, unknown>
type JsonSchema = {
  [keyword: string]: unknown
  properties: Record<string, Fields>
  required: string[]
}
type Validator = new (options: object) => { compile: (schema: object) => (body: unknown) => boolean }

// ajv comes with eslint; it is asked for from there, as it is no dependency of ours.
const Ajv = createRequire(createRequire(import.meta.url).resolve('eslint'))('ajv') as Validator

const message = (content: unknown, more: Fields = {}) => ({ messages: [{ role: 'user', content, ...more }] })
const item = (...items: unknown[]) => ({ input: items })
const bias = (count: number) => ({
  logit_bias: Object.fromEntries(Array.from({ length: count }, (_, id) => [id, 1])),
})
const pairs = (count: number) => ({
  metadata: Object.fromEntries(Array.from({ length: count }, (_, nth) => [`k${nth}`, 'v'])),
})

const SHARED_GOOD: Fields[] = [
  {},
  { model: 'm' },
  { model: null },
  { temperature: 0, top_p: 1, top_k: -1, min_p: 0, repetition_penalty: 0.1, seed: 2 ** 62 },
  { temperature: null, stop: null, n: null, logit_bias: null, user: null, metadata: null, bogus: null },
  { stop: 'a', logit_bias: { 5: -100, 7: 0.5 } },
  { stop: [], user: 'u'.repeat(512) },
  bias(1024),
  { service_tier: { any: 'thing' }, moderation: 5, prompt_cache_options: [] },
]
const SHARED_BAD: Fields[] = [
  { model: '' },
  { bogus: 1 },
  { stream: 'yes' },
  { temperature: 2.1 },
  { top_p: '1' },
  { top_k: 1.5 },
  { seed: 1.5 },
  { seed: 1e30 },
  { seed: 'x' },
  { stop: '' },
  { stop: ['a', 5] },
  { stop: Array.from({ length: 17 }, (_, i) => `s${i}`) },
  { mirostat: 1 },
  { dry_sequence_breakers: [''] },
  { logit_bias: [] },
  { logit_bias: { a: 1 } },
  { logit_bias: { '05': 1 } },
  { logit_bias: { 5: 101 } },
  bias(1025),
  { truncation: 'left' },
  { user: 'u'.repeat(513) },
  { n: 9 },
  { n: 0 },
  { n: 1.5 },
]
const BODIES: {
  name: string
  schema: z.ZodMiniObject
  parse: (body: Fields) => unknown
  base: Fields
  good: Fields[]
  bad: Fields[]
}[] = [
  {
    name: 'chat completions',
    schema: chatSchema,
    parse: (body) => parseChat(body, () => 0),
    base: { messages: [{ role: 'user', content: 'Hi' }] },
    good: [
      { max_tokens: 5, stream: true, stream_options: { include_usage: true, include_obfuscation: false } },
      message(null, { name: 'Ann', role: 'developer' }),
      message([
        { type: 'text', text: 'a' },
        { type: 'refusal', refusal: 'b' },
      ]),
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
          },
        ],
      },
      { tools: [{ type: 'function', function: { name: 'f', parameters: {}, strict: true } }] },
      { tool_choice: 'none', functions: [], function_call: 'auto', response_format: { type: 'text' } },
      {
        tools: [{ type: 'function', function: { name: 'f', description: '', parameters: null } }],
        tool_choice: { type: 'function', function: { name: 'f' } },
      },
      {
        tools: [{ type: 'function', function: { name: 'f' } }],
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] },
        },
      },
      { functions: [{ name: 'f', parameters: {} }], function_call: { name: 'f' } },
      { messages: [{ role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } }] },
      { reasoning_effort: 'low', stream: true, stream_options: { include_obfuscation: true } },
      { modalities: ['text'], reasoning_effort: 'none', audio: null, logprobs: true, top_logprobs: 20 },
      { response_format: { type: 'json_object' } },
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'a', strict: true, schema: { type: 'object' } },
        },
      },
      { structured_outputs: { choice: ['a', 'b'] } },
      { chat_template_kwargs: { enable_thinking: false } },
    ],
    bad: [
      { messages: [] },
      { messages: ['Hi'] },
      { messages: [{ content: 'Hi' }] },
      message(5),
      message([]),
      message([{ type: 'text' }]),
      message([{ type: 'image_url', image_url: {} }]),
      message('a', { role: 'wizard' }),
      message('a', { tool_calls: [{ id: 1 }] }),
      { stream: true, stream_options: { other: true } },
      { stream: true, stream_options: { include_obfuscation: 'much' } },
      { tools: [{ type: 'custom' }] },
      { tools: [{ type: 'function', function: { name: '' } }] },
      { tool_choice: 'always' },
      { tool_choice: { type: 'function' } },
      { tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'none', tools: [] } } },
      { function_call: 'required' },
      { functions: [{}] },
      { response_format: { type: 'yaml' } },
      { response_format: { type: 'json_schema' } },
      { response_format: 'text' },
      { structured_outputs: { choice: [] } },
      { structured_outputs: { other: 1 } },
      { modalities: ['text', 'audio'] },
      { modalities: [] },
      { reasoning_effort: 'enormous' },
      { audio: {} },
      { prediction: false },
      { chat_template_kwargs: [] },
    ],
  },
  {
    name: 'completions',
    schema: completionSchema,
    parse: (body) => parseCompletion(body, () => 0),
    base: { prompt: 'Hi' },
    good: [
      { prompt: ['Hi'] },
      { prompt: ['a', 'b'] },
      { prompt: [[1], [2]] },
      { prompt: [0, 2 ** 31 - 1] },
      { prompt: [[1, 2]] },
      { logprobs: false },
      { logprobs: 5, best_of: 1, suffix: 's', echo: true },
    ],
    bad: [
      { prompt: null },
      { prompt: '' },
      { prompt: [] },
      { prompt: [''] },
      { prompt: ['a', ''] },
      { prompt: ['a', [1]] },
      { prompt: [[1], []] },
      { prompt: Array.from({ length: 33 }, () => 'a') },
      { prompt: [1, 'a'] },
      { prompt: [-1] },
      { prompt: [1.5] },
      { prompt: [2 ** 31] },
      { prompt: {} },
      { logprobs: true },
      { logprobs: 6 },
      { best_of: 2 },
      { suffix: 5 },
    ],
  },
  {
    name: 'responses',
    schema: responseSchema,
    parse: (body) => parseResponse(body, () => 0),
    base: { input: 'Hi' },
    good: [
      { stream: true, stream_options: { include_obfuscation: null } },
      item({ role: 'user', content: 'a' }, { type: 'message', role: 'system', content: 'b' }),
      item(
        { type: null, role: 'user', content: [{ type: 'input_text', text: 'a' }] },
        { type: 'reasoning', summary: [] },
      ),
      item(
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}', status: 'completed' },
        { type: 'function_call_output', call_id: 'c', output: [{ type: 'refusal', refusal: 'no' }] },
      ),
      pairs(16),
      { text: { format: { type: 'text' }, verbosity: 'low' }, reasoning: { effort: 'none', summary: null } },
      { text: { format: { type: 'json_object' } } },
      { text: { format: { type: 'json_schema', name: 'a', schema: {} } } },
      { text: {}, reasoning: {}, include: [], top_logprobs: 0, context_management: [] },
      { include: ['reasoning.encrypted_content', 'message.output_text.logprobs'], top_logprobs: 20 },
      { tools: [{ type: 'function', name: 'f', strict: null }], max_tool_calls: 3, max_output_tokens: 1 },
      { previous_response_id: 'resp_1', instructions: '', background: false },
      { reasoning: { effort: 'high', summary: 'auto' } },
      { tools: [{ type: 'function', name: 'f' }], tool_choice: { type: 'function', name: 'f' } },
      {
        tools: [{ type: 'function', name: 'f' }],
        tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] },
      },
    ],
    bad: [
      { input: null },
      { input: [] },
      { input: 5 },
      item('Hi'),
      item({ role: 'x', content: 'a' }),
      item({ role: 'user' }),
      item({ role: 'user', content: [{ type: 'input_image' }] }),
      item({ type: 'item_reference', id: 'a' }),
      item({ type: 'function_call', call_id: 'c', name: 'f' }),
      item({ type: 'function_call_output', output: 'x' }),
      pairs(17),
      { metadata: { a: 1 } },
      { metadata: { ['k'.repeat(65)]: 'v' } },
      { metadata: { k: 'v'.repeat(513) } },
      { text: { format: { type: 'yaml' } } },
      { reasoning: { effort: 'enormous' } },
      { reasoning: { summary: 'long' } },
      { reasoning: { mode: 'pro' } },
      { tool_choice: { type: 'function', function: { name: 'f' } } },
      { include: ['x'] },
      { top_logprobs: 21 },
      { include: ['reasoning.encrypted_content', 'x'] },
      { stream: true, stream_options: { include_usage: true } },
      { conversation: 5 },
      { prompt: {} },
      { max_output_tokens: 0 },
      { tools: [{ type: 'function', name: 'n'.repeat(65) }] },
    ],
  },
  {
    name: 'messages',
    schema: messagesSchema,
    parse: (body) => parseMessages(body, () => 0),
    base: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 },
    good: [
      { system: 'S' },
      { system: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }] },
      message([{ type: 'text', text: 'a', citations: null }]),
      message([]),
      { stop_sequences: Array.from({ length: 16 }, (_, n) => `${n}`) },
      { tools: [{ name: 'f', input_schema: { type: 'object' } }], tool_choice: { type: 'any' } },
      { tools: [{ type: 'custom', name: 'n'.repeat(128) }], tool_choice: { type: 'none' } },
      { thinking: { type: 'enabled', budget_tokens: 1024, display: 'omitted' } },
      { output_config: { effort: 'max', format: { type: 'json_schema', schema: {} } } },
      { metadata: { user_id: 'u' }, speed: 'standard', cache_control: { type: 'ephemeral' } },
    ],
    bad: [
      { max_tokens: null },
      { max_tokens: 0 },
      { messages: [] },
      { system: 5 },
      message(null),
      message('a', { role: 'tool' }),
      message([{ type: 'image', source: {} }]),
      message([{ type: 'tool_use', id: 'a', name: 'f', input: {} }]),
      { stop_sequences: Array.from({ length: 17 }, (_, n) => `${n}`) },
      { stop_sequences: 'a' },
      { stop: 'a' },
      { user: 'ann' },
      { tools: [{ name: 'n'.repeat(129) }] },
      { tools: [{ type: 'bash_20250124', name: 'bash' }] },
      { tool_choice: 'auto' },
      { tool_choice: { type: 'required' } },
      { thinking: { type: 'enabled' } },
      { output_config: { format: { type: 'json_object' } } },
      { output_config: { task_budget: {} } },
      { metadata: { user_id: 'u'.repeat(513) } },
      { speed: 'fast' },
      { container: 'c' },
    ],
  },
]

for (const { name, schema, parse, base, good, bad } of BODIES) {
  describe(`the JSON Schema of a body of ${name}`, () => {
    const given = z.toJSONSchema(schema, { io: 'input', target: 'draft-07' }) as unknown as JsonSchema
    const accepts = new Ajv({ schemaId: 'auto', unknownFormats: 'ignore' }).compile(given)
    const code = (body: Fields) => {
      try {
        parse(body)
        return undefined
      } catch (error) {
        return errorCode(error)
      }
    }

    it('has each field, the required ones as such, and lets others be null alone', () => {
      expect(Object.keys(given.properties)).toEqual(Object.keys(schema._zod.def.shape))
      expect(given.required.toSorted()).toEqual(Object.keys(base).toSorted())
      expect(given.additionalProperties).toEqual({ type: 'null' })
      expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({ required: given.required })
    })

    it('constrains each field, or says that it is ignored', () => {
      for (const [field, { description, ...rules }] of Object.entries(given.properties)) {
        if (description === 'Ignored.') expect(rules, field).toEqual({})
        else expect('type' in rules || Array.isArray(rules.anyOf), field).toBe(true)
        expect(JSON.stringify(rules.anyOf ?? []), field).not.toMatch(/^\[\{\}|,\{\}/)
      }
    })

    it.each([...SHARED_GOOD, ...good].filter((extra) => isOf(schema, extra)))('takes %j', (extra) => {
      const body = { ...base, ...extra }
      expect(code(body)).toBeUndefined()
      expect(accepts(body)).toBe(true)
    })

    it.each([...SHARED_BAD, ...bad].filter((extra) => isOf(schema, extra)))('refuses %j', (extra) => {
      const body = { ...base, ...extra }
      expect(code(body)).toMatch(
        /^(invalid_request|unsupported_value|unsupported_parameter|unknown_parameter)$/,
      )
      expect(accepts(body)).toBe(false)
    })
  })
}

/** Fields that not all bodies have. */
const OPTIONAL = ['n', 'stop', 'user', 'moderation', 'prompt_cache_options']

/** Leaves out what is shared by some endpoints alone: `n` of which responses know nothing, words of OpenAI's. */
function isOf(schema: z.ZodMiniObject, extra: Fields): boolean {
  const { shape } = schema._zod.def
  return !OPTIONAL.some((field) => (extra[field] ?? null) !== null && !(field in shape))
}
