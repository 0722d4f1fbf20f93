// Every field at good, neutral and bad values; hostile bodies never become a 500.

import { describe, expect, it } from 'vitest'
import { parseChat } from '../../src/api/dialects/chat/schema.ts'
import { parseCompletion } from '../../src/api/dialects/completions/schema.ts'
import { DEFAULT_SAMPLING } from '../../src/protocol/generation.ts'
import { MODEL, chat, completion, fakeLanes, post } from './helpers.ts'

const CHAT = '/v1/chat/completions'
const TEXT = '/v1/completions'
const message = (content: unknown, role = 'user') => ({ messages: [{ role, content }] })
const body = (path: string, extra: Record<string, unknown>) =>
  path === CHAT ? chat(extra) : completion(extra)
const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

type Refusal = [path: string, extra: Record<string, unknown>, param: string | null, code: string]

const REFUSED: Refusal[] = [
  [CHAT, { bogus: 1 }, 'bogus', 'unknown_parameter'],
  [TEXT, { bogus: [] }, 'bogus', 'unknown_parameter'],
  [CHAT, { prompt: 'x' }, 'prompt', 'unknown_parameter'],
  [TEXT, { messages: [] }, 'messages', 'unknown_parameter'],
  [CHAT, { samplers: ['top_k'] }, 'samplers', 'unknown_parameter'],
  [CHAT, { repeat_penalty: 11 }, 'repeat_penalty', 'invalid_request'],
  [CHAT, { repeat_penalty: 1, repetition_penalty: 1.1 }, 'repeat_penalty', 'invalid_request'],
  [TEXT, { typ_p: 0.5, typical_p: 0.5 }, 'typ_p', 'invalid_request'],
  [TEXT, { n_predict: 3, max_tokens: 3 }, 'n_predict', 'invalid_request'],
  [TEXT, { n_predict: 0 }, 'n_predict', 'invalid_request'],
  [CHAT, { n_predict: -2 }, 'n_predict', 'invalid_request'],
  [CHAT, { cache_prompt: 1 }, 'cache_prompt', 'invalid_request'],
  [CHAT, { mirostat: 1 }, 'mirostat', 'unsupported_value'],
  [TEXT, { mirostat: 3 }, 'mirostat', 'unsupported_value'],
  [CHAT, { mirostat_tau: -1 }, 'mirostat_tau', 'invalid_request'],
  [CHAT, { mirostat_eta: 11 }, 'mirostat_eta', 'invalid_request'],
  [CHAT, { dynatemp_range: -0.1 }, 'dynatemp_range', 'invalid_request'],
  [CHAT, { dynatemp_exponent: 'a' }, 'dynatemp_exponent', 'invalid_request'],
  [CHAT, { typical_p: 1.1 }, 'typical_p', 'invalid_request'],
  [CHAT, { top_n_sigma: -2 }, 'top_n_sigma', 'invalid_request'],
  [CHAT, { xtc_probability: 1.1 }, 'xtc_probability', 'invalid_request'],
  [CHAT, { xtc_threshold: -0.1 }, 'xtc_threshold', 'invalid_request'],
  [CHAT, { repeat_last_n: -2 }, 'repeat_last_n', 'invalid_request'],
  [CHAT, { dry_multiplier: -1 }, 'dry_multiplier', 'invalid_request'],
  [CHAT, { dry_base: 0.9 }, 'dry_base', 'invalid_request'],
  [CHAT, { dry_allowed_length: 1.5 }, 'dry_allowed_length', 'invalid_request'],
  [CHAT, { dry_penalty_last_n: -2 }, 'dry_penalty_last_n', 'invalid_request'],
  [CHAT, { dry_sequence_breakers: 'a' }, 'dry_sequence_breakers', 'invalid_request'],
  [CHAT, { dry_sequence_breakers: ['a', ''] }, 'dry_sequence_breakers[1]', 'invalid_request'],
  [CHAT, { toString: 1 }, 'toString', 'unknown_parameter'],
  [CHAT, { constructor: 1 }, 'constructor', 'unknown_parameter'],
  [CHAT, { model: '' }, 'model', 'invalid_request'],
  [CHAT, { model: 5 }, 'model', 'invalid_request'],
  [CHAT, { messages: undefined }, 'messages', 'invalid_request'],
  [CHAT, { messages: null }, 'messages', 'invalid_request'],
  [CHAT, { messages: [] }, 'messages', 'invalid_request'],
  [CHAT, { messages: {} }, 'messages', 'invalid_request'],
  [CHAT, { messages: 'Hi' }, 'messages', 'invalid_request'],
  [CHAT, { messages: ['Hi'] }, 'messages[0]', 'invalid_request'],
  [CHAT, { messages: [null] }, 'messages[0]', 'invalid_request'],
  [CHAT, { messages: [{ content: 'Hi' }] }, 'messages[0].role', 'invalid_request'],
  [CHAT, message('Hi', 'wizard'), 'messages[0].role', 'invalid_request'],
  [CHAT, message('Hi', '__proto__'), 'messages[0].role', 'invalid_request'],
  [CHAT, message(5), 'messages[0].content', 'invalid_request'],
  [CHAT, message({ text: 'x' }), 'messages[0].content', 'invalid_request'],
  [CHAT, message([]), 'messages[0].content', 'invalid_request'],
  [CHAT, message(['Hi']), 'messages[0].content[0]', 'invalid_request'],
  [
    CHAT,
    message([{ type: 'text', text: 'a' }, { type: 'text' }]),
    'messages[0].content[1].text',
    'invalid_request',
  ],
  [
    CHAT,
    message([
      { type: 'text', text: 'a' },
      { type: 'image_url', image_url: { url: 'x' } },
    ]),
    'messages[0].content[1]',
    'unsupported_value',
  ],
  [CHAT, message([{ type: 'input_audio', input_audio: {} }]), 'messages[0].content[0]', 'unsupported_value'],
  [CHAT, { messages: [{ role: 'user', content: 'a', name: 7 }] }, 'messages[0].name', 'invalid_request'],
  [
    CHAT,
    { messages: [{ role: 'assistant', tool_calls: [{ id: 1 }] }] },
    'messages[0].tool_calls[0].id',
    'invalid_request',
  ],
  [CHAT, { temperature: 2.1 }, 'temperature', 'invalid_request'],
  [CHAT, { temperature: -0.1 }, 'temperature', 'invalid_request'],
  [CHAT, { temperature: '1' }, 'temperature', 'invalid_request'],
  [CHAT, { top_p: 1.01 }, 'top_p', 'invalid_request'],
  [CHAT, { top_k: 1.5 }, 'top_k', 'invalid_request'],
  [CHAT, { top_k: -2 }, 'top_k', 'invalid_request'],
  [CHAT, { min_p: 2 }, 'min_p', 'invalid_request'],
  [CHAT, { repetition_penalty: 0 }, 'repetition_penalty', 'invalid_request'],
  [CHAT, { presence_penalty: 3 }, 'presence_penalty', 'invalid_request'],
  [TEXT, { frequency_penalty: -3 }, 'frequency_penalty', 'invalid_request'],
  [CHAT, { max_tokens: 0 }, 'max_tokens', 'invalid_request'],
  [CHAT, { max_tokens: 1.5 }, 'max_tokens', 'invalid_request'],
  [CHAT, { max_completion_tokens: -1 }, 'max_completion_tokens', 'invalid_request'],
  [TEXT, { max_tokens: '5' }, 'max_tokens', 'invalid_request'],
  [CHAT, { seed: 1.5 }, 'seed', 'invalid_request'],
  [CHAT, { seed: 1e30 }, 'seed', 'invalid_request'],
  [CHAT, { seed: 'x' }, 'seed', 'invalid_request'],
  [CHAT, { logit_bias: [] }, 'logit_bias', 'invalid_request'],
  [CHAT, { logit_bias: { a: 1 } }, 'logit_bias', 'invalid_request'],
  [CHAT, { logit_bias: { '-1': 1 } }, 'logit_bias', 'invalid_request'],
  [CHAT, { logit_bias: { '5': 101 } }, 'logit_bias.5', 'invalid_request'],
  [CHAT, { logit_bias: { '5': null } }, 'logit_bias.5', 'invalid_request'],
  [CHAT, { stop: Array.from({ length: 17 }, (_, i) => `s${i}`) }, 'stop', 'invalid_request'],
  [CHAT, { stop: '' }, 'stop', 'invalid_request'],
  [CHAT, { stop: ['a', 5] }, 'stop[1]', 'invalid_request'],
  [CHAT, { stream: 'yes' }, 'stream', 'invalid_request'],
  [CHAT, { stream_options: { include_usage: true } }, 'stream_options', 'invalid_request'],
  [CHAT, { stream: false, stream_options: {} }, 'stream_options', 'invalid_request'],
  [
    CHAT,
    { stream: true, stream_options: { include_usage: 1 } },
    'stream_options.include_usage',
    'invalid_request',
  ],
  [CHAT, { stream: true, stream_options: { other: true } }, 'stream_options.other', 'unknown_parameter'],
  [CHAT, { ignore_eos: 1 }, 'ignore_eos', 'invalid_request'],
  [CHAT, { truncation: 'left' }, 'truncation', 'invalid_request'],
  [CHAT, { logprobs: 1 }, 'logprobs', 'invalid_request'],
  [CHAT, { top_logprobs: 2 }, 'top_logprobs', 'invalid_request'],
  [CHAT, { logprobs: true, top_logprobs: 21 }, 'top_logprobs', 'invalid_request'],
  [TEXT, { logprobs: 6 }, 'logprobs', 'invalid_request'],
  [TEXT, { logprobs: true }, 'logprobs', 'invalid_request'],
  [CHAT, { n: 9 }, 'n', 'unsupported_value'],
  [CHAT, { n: 1.5 }, 'n', 'unsupported_value'],
  [TEXT, { n: 0 }, 'n', 'unsupported_value'],
  [TEXT, { best_of: 2 }, 'best_of', 'unsupported_value'],
  [TEXT, { suffix: 'x', prompt: [1, 2] }, 'suffix', 'invalid_request'],
  [CHAT, { chat_template_kwargs: 'x' }, 'chat_template_kwargs', 'invalid_request'],
  [CHAT, { tools: {} }, 'tools', 'invalid_request'],
  [CHAT, { tools: [{ type: 'custom', custom: { name: 'f' } }] }, 'tools[0].type', 'invalid_request'],
  [CHAT, { tools: [{ type: 'function', name: 'f' }] }, 'tools[0].function', 'invalid_request'],
  [
    CHAT,
    { tools: [{ type: 'function', function: { name: '' } }] },
    'tools[0].function.name',
    'invalid_request',
  ],
  [
    CHAT,
    { tools: [{ type: 'function', function: { name: 'f', parameters: 'x' } }] },
    'tools[0].function.parameters',
    'invalid_request',
  ],
  [CHAT, { tool_choice: 'required' }, 'tool_choice', 'invalid_request'],
  [CHAT, { tool_choice: 'always' }, 'tool_choice', 'invalid_request'],
  [CHAT, { tool_choice: { type: 'function' } }, 'tool_choice.function', 'invalid_request'],
  [CHAT, { tool_choice: { type: 'custom' } }, 'tool_choice', 'unsupported_value'],
  [CHAT, { functions: [{}] }, 'functions[0].name', 'invalid_request'],
  [CHAT, { function_call: { name: 'f' } }, 'function_call', 'invalid_request'],
  [CHAT, { function_call: 'required' }, 'function_call', 'invalid_request'],
  [CHAT, { response_format: { type: 'yaml' } }, 'response_format', 'unsupported_value'],
  [CHAT, { response_format: { type: 'json_schema' } }, 'response_format.json_schema', 'invalid_request'],
  [CHAT, { response_format: 'text' }, 'response_format', 'invalid_request'],
  [CHAT, { structured_outputs: {} }, 'structured_outputs', 'invalid_request'],
  [CHAT, { structured_outputs: { regex: 'a', choice: ['a'] } }, 'structured_outputs', 'invalid_request'],
  [CHAT, { structured_outputs: { regex: 'a' }, stop: 'b' }, 'stop', 'invalid_request'],
  [
    CHAT,
    { structured_outputs: { regex: 'a' }, response_format: { type: 'json_object' } },
    'structured_outputs',
    'invalid_request',
  ],
  [CHAT, { modalities: ['text', 'audio'] }, 'modalities', 'unsupported_value'],
  [CHAT, { reasoning_effort: 'enormous' }, 'reasoning_effort', 'invalid_request'],
  [CHAT, { audio: {} }, 'audio', 'unsupported_parameter'],
  [CHAT, { prediction: {} }, 'prediction', 'unsupported_parameter'],
  [CHAT, { web_search_options: {} }, 'web_search_options', 'unsupported_parameter'],
  [CHAT, { user: 5 }, 'user', 'invalid_request'],
  [CHAT, { prompt_cache_key: 'k'.repeat(513) }, 'prompt_cache_key', 'invalid_request'],
  [TEXT, { prompt: undefined }, 'prompt', 'invalid_request'],
  [TEXT, { prompt: '' }, 'prompt', 'invalid_request'],
  [TEXT, { prompt: [] }, 'prompt', 'invalid_request'],
  [TEXT, { prompt: 5 }, 'prompt', 'invalid_request'],
  [TEXT, { prompt: ['a', ''] }, 'prompt[1]', 'invalid_request'],
  [TEXT, { prompt: Array.from({ length: 33 }, () => 'a') }, 'prompt', 'unsupported_value'],
  [TEXT, { prompt: ['a', 'b', 'c', 'd', 'e'], n: 8 }, 'n', 'unsupported_value'],
  [TEXT, { prompt: [1, 'a'] }, 'prompt[1]', 'invalid_request'],
  [TEXT, { prompt: [1, -1] }, 'prompt[1]', 'invalid_request'],
  [TEXT, { prompt: [1.5] }, 'prompt[0]', 'invalid_request'],
  [TEXT, { prompt: [2 ** 31] }, 'prompt[0]', 'invalid_request'],
  [TEXT, { prompt: [[[1]]] }, 'prompt[0][0]', 'invalid_request'],
  [TEXT, { prompt: { a: 1 } }, 'prompt', 'invalid_request'],
]

describe('refused with 400 and the name of the field', () => {
  for (const [path, extra, param, code] of REFUSED) {
    it(`${path.slice(4)} ${JSON.stringify(extra).slice(0, 90)}`, async () => {
      const fake = fakeLanes()
      const response = await post(fake, path, body(path, extra))
      const { error } = (await response.json()) as { error: Record<string, unknown> }
      expect(response.status).toBe(400)
      expect(error).toMatchObject({ type: 'invalid_request_error', param, code })
      expect(error.message).toContain(String(param))
      expect(fake.requests).toHaveLength(0)
    })
  }
})

const SHARED_NEUTRAL: Record<string, unknown>[] = [
  { n: 1 },
  { stop: [] },
  { stop: Array.from({ length: 16 }, (_, i) => `s${i}`) },
  { logit_bias: {} },
  { logprobs: false },
  { stream: false },
  { seed: 0 },
  { temperature: 0 },
  { top_k: 0 },
  { max_tokens: Number.MAX_SAFE_INTEGER },
  { user: 'u', safety_identifier: 's', prompt_cache_key: 'k' },
  { metadata: { a: 'b' }, store: true, service_tier: 'auto', verbosity: 'low', moderation: {} },
  { prompt_cache_retention: '24h' },
  { truncation: 'disabled' },
]
const ACCEPTED: [string, Record<string, unknown>][] = [
  ...[CHAT, TEXT].flatMap((path) =>
    SHARED_NEUTRAL.map((extra): [string, Record<string, unknown>] => [path, extra]),
  ),
  [CHAT, { tools: [], functions: [], tool_choice: 'auto', function_call: 'none', parallel_tool_calls: true }],
  [CHAT, { response_format: { type: 'text' }, modalities: ['text'], reasoning_effort: 'none' }],
  [CHAT, { reasoning_effort: 'low', functions: [{ name: 'f' }] }],
  [CHAT, { logprobs: true, top_logprobs: 20 }],
  [CHAT, { top_logprobs: 0 }],
  [CHAT, { stream: true, stream_options: {} }],
  [CHAT, { stream: true, stream_options: { include_usage: null, include_obfuscation: false } }],
  [TEXT, { stream: true, stream_options: { include_obfuscation: true } }],
  [TEXT, { best_of: 1, suffix: '', echo: false, logprobs: 5 }],
  [CHAT, { audio: null, tools: null, n: null, stop: null, stream_options: null, bogus: null, __proto: null }],
]

describe('accepted', () => {
  for (const [path, extra] of ACCEPTED) {
    it(`${path.slice(4)} ${JSON.stringify(extra)}`, async () => {
      const response = await post(fakeLanes(), path, body(path, extra))
      expect(await response.text()).toContain('Hello'.slice(0, 3))
      expect(response.status).toBe(200)
    })
  }
})

describe('sampling that the body does not name', () => {
  it('is the default, with a new seed', () => {
    const usual = { ...DEFAULT_SAMPLING, seed: 7 }
    expect(parseChat(chat(), () => 7).order.sampling).toEqual(usual)
    expect(parseCompletion(completion(), () => 7).order.sampling).toEqual(usual)
  })
})

describe('a body without a model', () => {
  it.each([
    [CHAT, chat()],
    [TEXT, completion()],
    ['/v1/responses', { input: 'Hi' }],
    ['/v1/messages', { ...chat(), max_tokens: 5 }],
  ])('means the one that is served at %s', async (path, body) => {
    for (const model of [undefined, null]) {
      const fake = fakeLanes()
      const response = await post(fake, path, { ...body, model })
      expect(response.status, await response.text()).toBe(200)
      expect(fake.requests[0].model).toBe(MODEL)
    }
  })
})

describe('unknown model', () => {
  it('is a 404 that names it and those served', async () => {
    const response = await post(fakeLanes(), CHAT, chat({ model: 'gpt-9' }))
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      error: {
        code: 'model_not_found',
        param: 'model',
        message: expect.stringMatching(/gpt-9.*smollm2.*MODEL_ALIASES/),
      },
    })
  })
})

describe('hostile bodies', () => {
  const raw: [name: string, body: string | Uint8Array, status: number][] = [
    ['empty', '', 400],
    ['not JSON', '{"model": ', 400],
    ['null', 'null', 400],
    ['an array', '[]', 400],
    ['a string', '"hi"', 400],
    ['NaN', '{"temperature": NaN}', 400],
    ['not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400],
    ['deep arrays', deep(200_000), 400],
    ['deep unknown field', `{"x": ${deep(100_000)}}`, 400],
    ['deep content', `{"model":"${MODEL}","messages":[{"role":"user","content":${deep(100_000)}}]}`, 400],
    ['deep role', `{"model":"${MODEL}","messages":[{"role":${deep(100_000)}}]}`, 400],
    ['deep stop', `{"model":"${MODEL}","prompt":"a","stop":${deep(100_000)}}`, 400],
    ['deep prompt', `{"model":"${MODEL}","prompt":${deep(100_000)}}`, 400],
    [
      'deep ignored field',
      `{"model":"${MODEL}","messages":[{"role":"user","content":"a"}],"metadata":${deep(100_000)}}`,
      200,
    ],
    [
      'deep tool call',
      `{"model":"${MODEL}","messages":[{"role":"assistant","tool_calls":${deep(100_000)}}]}`,
      400,
    ],
    [
      'infinite number',
      `{"model":"${MODEL}","messages":[{"role":"user","content":"a"}],"temperature":1e999}`,
      400,
    ],
    ['infinite seed', `{"model":"${MODEL}","messages":[{"role":"user","content":"a"}],"seed":-1e999}`, 400],
    ['__proto__ field', `{"__proto__":{"model":"x"},"model":"${MODEL}"}`, 400],
    [
      '__proto__ null',
      `{"__proto__":null,"model":"${MODEL}","messages":[{"role":"user","content":"a"}]}`,
      200,
    ],
    [
      '__proto__ in a message',
      `{"model":"${MODEL}","messages":[{"role":"user","content":"a","__proto__":{"x":1}}]}`,
      200,
    ],
    [
      '__proto__ as a bias',
      `{"model":"${MODEL}","messages":[{"role":"user","content":"a"}],"logit_bias":{"__proto__":1}}`,
      400,
    ],
    [
      '__proto__ in stream_options',
      `{"model":"${MODEL}","stream":true,"messages":[{"role":"user","content":"a"}],"stream_options":{"__proto__":1}}`,
      400,
    ],
    // A list is left at its first bad item: an issue for each would be more than a call can take.
    ['a million bad messages', `{"model":"${MODEL}","messages":[${'1,'.repeat(1e6)}1]}`, 400],
    ['a million bad ids', `{"model":"${MODEL}","prompt":[${'-1,'.repeat(1e6)}1]}`, 400],
    ['a million empty prompts', `{"model":"${MODEL}","prompt":[${'"",'.repeat(1e6)}""]}`, 400],
    [
      'too many bad biases',
      `{"model":"${MODEL}","prompt":"a","logit_bias":{${Array.from({ length: 2e5 }, (_, n) => `"x${n}":0`).join()}}}`,
      400,
    ],
    ['duplicate keys', `{"model":"x","model":"${MODEL}","messages":[{"role":"user","content":"a"}]}`, 200],
    ['lone surrogate', `{"model":"${MODEL}","messages":[{"role":"user","content":"\\ud800"}]}`, 200],
    ['BOM', `\ufeff{"model":"${MODEL}","messages":[{"role":"user","content":"a"}]}`, 200],
    ['long field name', `{"${'x'.repeat(100_000)}":1}`, 400],
    ['long model', `{"model":"${'x'.repeat(100_000)}","messages":[{"role":"user","content":"a"}]}`, 404],
  ]
  for (const [name, hostile, status] of raw) {
    it(name, async () => {
      const path = typeof hostile === 'string' && hostile.includes('"prompt"') ? TEXT : CHAT
      const response = await post(fakeLanes(), path, hostile)
      const answer = await response.text()
      expect(response.status).toBe(status)
      expect(answer.length).toBeLessThan(3000)
      if (status !== 200)
        expect(JSON.parse(answer)).toMatchObject({ error: { type: 'invalid_request_error' } })
    })
  }

  it('every field at every wrong type is 400 or fine, never worse', async () => {
    const values = [0, -1, 1.5, 1e300, true, '', 'x', [], [[]], [null], {}, { a: 1 }, { type: 'x' }, [{}]]
    const fields =
      `model messages prompt stream stream_options max_tokens max_completion_tokens temperature top_p top_k min_p
      repetition_penalty presence_penalty frequency_penalty repeat_penalty repeat_last_n dry_multiplier dry_base dry_allowed_length
      dry_penalty_last_n dry_sequence_breakers top_n_sigma dynatemp_range dynatemp_exponent typical_p typ_p xtc_probability
      xtc_threshold mirostat mirostat_tau mirostat_eta n_predict cache_prompt seed logit_bias stop ignore_eos truncation n user safety_identifier
      prompt_cache_key metadata store service_tier verbosity moderation logprobs top_logprobs tools tool_choice functions
      function_call response_format structured_outputs modalities audio prediction echo best_of suffix parallel_tool_calls`.split(
        /\s+/,
      )
    for (const path of [CHAT, TEXT]) {
      for (const field of fields) {
        for (const value of values) {
          const response = await post(fakeLanes(), path, body(path, { [field]: value }))
          const where = `${path} ${field} ${JSON.stringify(value)}`
          expect([200, 400, field === 'model' ? 404 : 400], where).toContain(response.status)
          if (response.status !== 200) {
            const { error } = (await response.json()) as { error: { param: string | null } }
            expect(error.param, where).toMatch(new RegExp(`^${field}`))
          } else await response.body?.cancel()
        }
      }
    }
  })
})
