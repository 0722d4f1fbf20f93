// An answer by a form: the model's own text goes through until a grammar begins, and every grammar is kept to its end.

import { describe, expect, test } from 'vitest'
import { Answer } from '../../src/answer/answer.ts'
import { preparePrompt, rulesFor } from '../../src/answer/prepare-prompt.ts'
import { joinCalls, type CallRule, type GenerateRequest } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import { byteTokenizer, END } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const SAID = '{% for m in messages %}{{ m.content }}{% endfor %}'
const GENERIC: ChatFormat = { kind: 'jinja', template: SAID }
const HERMES: ChatFormat = { kind: 'jinja', template: `${SAID}{{ tools }}<tool_call>` }
const THINKER: ChatFormat = { kind: 'jinja', template: `${SAID}{{ tools }}<tool_call>{# </think> #}` }
const OPEN: ChatFormat = { kind: 'jinja', template: `${SAID}{# </think> #}<think>\n` }
const SHUT: ChatFormat = { kind: 'jinja', template: `${SAID}<think>\n\n</think>\n\n` }
const [CALL, CALL_END, THINK, THINK_END] = [259, 260, 261, 262]
const NAMES = ['<tool_call>', '</tool_call>', '<think>', '</think>']

/** The byte tokenizer with the marks as special tokens. */
function withMarks(): Tokenizer {
  const bytes = byteTokenizer()
  const isMark = (id: number) => id >= CALL && id < CALL + NAMES.length
  return {
    ...bytes,
    vocabSize: CALL + NAMES.length,
    encode: (text, options) =>
      options?.special === true
        ? text
            .split(new RegExp(`(${NAMES.join('|')})`))
            .flatMap((part) => (NAMES.includes(part) ? [CALL + NAMES.indexOf(part)] : bytes.encode(part)))
        : bytes.encode(text),
    *encodeSliced(text, _budget, options) {
      yield
      return this.encode(text, options)
    },
    idOf: (name) => (NAMES.includes(name) ? CALL + NAMES.indexOf(name) : bytes.idOf(name)),
    nameOf: (id) => (isMark(id) ? NAMES[id - CALL] : bytes.nameOf(id)),
    isSpecial: (id) => id >= 256,
  }
}

const f = (parameters: unknown, name = 'f') => ({ type: 'function', function: { name, parameters } })
const TOOLS = [f({ type: 'object', properties: { x: { enum: [1, 23] } }, required: ['x'] }), f({}, 'now')]

type Script = readonly (string | number)[]

/** Lets a model write the script; what is refused is passed over, and where it is at its end the best that fits is taken. */
function answered(
  script: Script,
  chat: ChatFormat,
  {
    tokenizer = byteTokenizer(),
    tools = TOOLS,
    limit = 400,
    ...changes
  }: Partial<GenerateRequest> & { tokenizer?: Tokenizer; tools?: object[]; limit?: number } = {},
) {
  const prompt = { kind: 'chat' as const, messages: [{ role: 'user', content: 'q' }], ...(tools.length > 0 && { tools }) } // prettier-ignore
  const asked = request({ prompt, maxTokens: limit, ...changes })
  const text = { manifest: { ...mockManifest(), chat }, tokenizer }
  const prepared = preparePrompt(asked, text, { maxPrompt: 2000, maxPositions: 4000 })
  const make = () => new Answer(asked, tokenizer, prepared.ids, rulesFor(prepared, text), false)
  const answer = make()
  const scratch = createScratch(tokenizer.vocabSize)
  answer.begin(scratch, limit)
  const wanted = script.flatMap((part) => (typeof part === 'string' ? tokenizer.encode(part) : [part]))
  const ids: number[] = []
  const events = []
  let at = 0
  while (!answer.stopped && ids.length < limit) {
    const logits = new Float32Array(tokenizer.vocabSize)
    // The wanted ids, the nearest ones most.
    for (let i = wanted.length - 1; i >= at; i--) logits[wanted[i]] = 1000 - (i - at)
    const { id } = answer.choose(logits, prepared.ids.length + ids.length)
    ids.push(id)
    const found = wanted.indexOf(id, at)
    if (found >= 0 && found - at < 40) at = found + 1
  }
  const rest = answer.stopped ? undefined : answer.end()
  for (let event = answer.take(); event !== undefined; event = answer.take()) events.push(event)
  if (rest !== undefined) events.push(rest)
  const again = make()
  again.replay(ids, [])
  const last = again.stopped ? undefined : again.end()
  const replayed = []
  for (let event = again.take(); event !== undefined; event = again.take()) replayed.push(event)
  if (last !== undefined) replayed.push(last)
  expect(replayed).toEqual(events)
  return {
    ids,
    text: events.map((event) => event.text).join(''),
    reasoning: events.map((event) => event.reasoning ?? '').join(''),
    pieces: events.flatMap(({ calls }) => calls ?? []),
    calls: joinCalls(events.flatMap(({ calls }) => calls ?? [])),
    reason: answer.finishReason(answer.stopped ? 'stop' : 'length'),
    closedEarly: answer.closedEarly,
  }
}

const F = '<tool_call>\n{"name": "f", "arguments": {"x": 23}}\n</tool_call>'
/** A call by the tokens of its marks. */
const MARKED = [CALL, '\n{"name": "f", "arguments": {"x": 23}}\n', CALL_END]
const SINGLE: CallRule = { required: false, single: true }
const REQUIRED: CallRule = { required: true, single: false }

describe.each([
  ['generic', GENERIC],
  ['its own', HERMES],
])('calls that the model may make, %s', (_, chat) => {
  test('come behind text, several, and text goes on', () => {
    const { text, calls, reason } = answered(['Wait < a <tool\n', F, '\n', F, END], chat)
    expect(text).toBe('Wait < a <tool')
    expect(calls).toEqual([
      { name: 'f', arguments: '{"x": 23}' },
      { name: 'f', arguments: '{"x": 23}' },
    ])
    expect(reason).toBe('tool_calls')
    expect(answered(['just text', END], chat)).toMatchObject({ text: 'just text', calls: [], reason: 'stop' })
  })

  test('are held to the schema once they are open', () => {
    const wrong = '<tool_call>\n{"name": "g", "arguments": {"y": 5}}\n</tool_call>'
    const { calls } = answered([wrong, END], chat)
    expect(calls).toHaveLength(1)
    if (calls[0].name === 'f') expect([1, 23]).toContain((JSON.parse(calls[0].arguments) as { x: number }).x)
  })

  test('are at most one where no more are wanted', () => {
    const { calls, text } = answered([F, '\nand ', F, END], chat, { callRule: SINGLE })
    expect(calls).toHaveLength(1)
    expect(text).not.toContain('<tool_call>')
    expect(text).toContain('and ')
  })

  test('are none of those that may not be called', () => {
    expect(answered([F, END], chat, { callRule: { ...SINGLE, names: ['now'] } }).calls.map(({ name }) => name)).not.toContain('f') // prettier-ignore
    expect(answered([F, END], chat, { callRule: { ...SINGLE, names: [] } }).calls).toEqual([])
  })

  test('are not opened where they no longer fit, and are closed in time', () => {
    const late = answered(['a'.repeat(50), F, END], chat, { limit: 80 })
    expect(late.calls).toEqual([])
    expect(late.closedEarly).toBe(true)
    const tools = [f({ type: 'object', properties: { t: { type: 'string' } }, required: ['t'] })]
    const long = answered(['<tool_call>\n{"name": "f", "arguments": {"t": "', 'z'.repeat(300)], chat, { tools, limit: 120 }) // prettier-ignore
    expect(JSON.parse(long.calls[0].arguments)).toEqual({ t: expect.stringMatching(/^z+$/) as unknown })
    expect(long.ids.length).toBeLessThanOrEqual(120)
  })

  test('may be written by the tokens of their marks', () => {
    const tokenizer = withMarks()
    const { calls, text, ids } = answered(['ok', ...MARKED, END], chat, { tokenizer })
    expect([text, calls]).toEqual(['ok', [{ name: 'f', arguments: '{"x": 23}' }]])
    expect(ids).toContain(CALL_END)
    // The text of an end that is a token is no end.
    expect(answered(['ok', F, END], chat, { tokenizer }).ids).toContain(CALL_END)
  })

  test('that are required are written by the tokens of their marks', () => {
    const { ids, calls } = answered([F, END], chat, { tokenizer: withMarks(), callRule: REQUIRED })
    expect(ids[0]).toBe(CALL)
    expect(ids.at(-2)).toBe(CALL_END)
    expect(calls).toEqual([{ name: 'f', arguments: '{"x": 23}' }])
  })

  test('keep the digits and the spaces that the model wrote', () => {
    const tools = [f({})]
    const given = '{"a": 12345678901234, "b":1.0, "c": [ 1e2 ], "10":0, "2":0}'
    const { calls, pieces } = answered([`<tool_call>\n{"name": "f", "arguments": ${given}}\n</tool_call>`, END], chat, { tools }) // prettier-ignore
    expect(calls).toEqual([{ name: 'f', arguments: given }])
    expect(pieces[0]).toEqual({ name: 'f', arguments: '' })
    expect(pieces.length).toBeGreaterThan(20)
  })
})

describe('a thought', () => {
  const grammar = { kind: 'choice' as const, choices: ['yes', ' no'] }
  const MARKS = { tokenizer: withMarks() }

  test('that the prompt has opened ends before what is held', () => {
    const { text, reasoning, ids } = answered(['hm, yes <', THINK_END, '\n\n no'], OPEN, {
      ...MARKS,
      tools: [],
      grammar,
    })
    expect([text, reasoning]).toEqual([' no', 'hm, yes <'])
    expect(ids).toContain(THINK_END)
    const spelt = answered(['hm</think>\n\nyes'], OPEN, { tools: [], grammar })
    expect([spelt.text, spelt.reasoning]).toEqual(['yes', 'hm'])
  })

  test('is closed in time', () => {
    const { text, reasoning, ids } = answered(['z'.repeat(100)], OPEN, {
      ...MARKS,
      tools: [],
      grammar,
      limit: 40,
    })
    expect(['yes', ' no']).toContain(text)
    expect(reasoning).toMatch(/^z{30,36}$/)
    expect(ids.length).toBeLessThanOrEqual(40)
  })

  test('may come or not, where the model decides', () => {
    const chat: ChatFormat = { kind: 'jinja', template: `${SAID}{# </think> #}` }
    expect(answered(['yes'], chat, { ...MARKS, tools: [], grammar })).toMatchObject({
      text: 'yes',
      reasoning: '',
    })
    expect(answered([THINK, '\nwell\n', THINK_END, '\n\n no'], chat, { ...MARKS, tools: [], grammar })).toMatchObject({ text: ' no', reasoning: 'well' }) // prettier-ignore
    expect(answered(['yes'], SHUT, { ...MARKS, tools: [], grammar })).toMatchObject({
      text: 'yes',
      reasoning: '',
    })
  })

  test('stands before calls, and holds none', () => {
    const thought = [THINK, `I try ${F} `, THINK_END, '\n\n']
    const chosen = answered([...thought, 'so ', ...MARKED, END], THINKER, MARKS)
    expect([chosen.text, chosen.calls.length, chosen.reason]).toEqual(['so', 1, 'tool_calls'])
    expect(chosen.reasoning).toContain('<tool_call>')
    const forced = answered([...thought, ...MARKED, END], THINKER, { ...MARKS, callRule: REQUIRED })
    expect([forced.text, forced.calls.length, forced.reason]).toEqual(['', 1, 'tool_calls'])
    expect(answered([F, END], THINKER, { ...MARKS, callRule: REQUIRED })).toMatchObject({ reasoning: '', calls: [{ name: 'f' }] }) // prettier-ignore
  })
})

describe('a grammar of the text beside functions', () => {
  const grammar = { kind: 'json_object' as const }

  test('holds the text, or there are calls', () => {
    const text = answered(['{"a": "<tool_call>"}'], GENERIC, { grammar })
    expect([text.text, text.calls, text.reason]).toEqual(['{"a": "<tool_call>"}', [], 'stop'])
    const called = answered([F, END], GENERIC, { grammar })
    expect([called.text, called.calls, called.reason]).toEqual(['', [{ name: 'f', arguments: '{"x": 23}' }], 'tool_calls']) // prettier-ignore
    // Neither: the best that fits is taken, and the limit keeps calls out.
    expect(answered(['words'], GENERIC, { grammar, limit: 20 }).text).toMatch(/^\{\s*\}$/)
  })
})

const NAMED = [
  f({ type: 'object', properties: { city: { type: 'string' }, n: { type: 'integer' } }, required: ['city'] }),
  f({}, 'now'),
]

describe('the calls of first-generation Qwen', () => {
  const chat: ChatFormat = { kind: 'builtin', format: 'qwen1' }
  // ChatML's marks, for the prompt.
  const names = ['<|im_start|>', '<|im_end|>']
  const bytes = byteTokenizer()
  const tokenizer: Tokenizer = {
    ...bytes,
    vocabSize: 261,
    idOf: (name) => (names.includes(name) ? 259 + names.indexOf(name) : bytes.idOf(name)),
    nameOf: (id) => names[id - 259] ?? bytes.nameOf(id),
  }
  const options = { tokenizer, tools: NAMED }
  const CALLING = 'Thought: Look it up.\nAction: f\nAction Input: {"city": "Observation: \\u00e9"}'

  test('are the last of an answer, and no stop string cuts them', () => {
    const { text, calls, pieces, reason } = answered([CALLING, '\nObservation: none', END], chat, { ...options, stop: ['é', 'city'] }) // prettier-ignore
    expect([text, reason]).toEqual(['Look it up.', 'tool_calls'])
    expect(calls).toEqual([{ name: 'f', arguments: '{"city": "Observation: \\u00e9"}' }])
    expect(pieces[0]).toMatchObject({ name: 'f' })
    expect(pieces.length).toBeGreaterThan(5)
  })

  test('are forced in the words of a history', () => {
    const { ids, calls, text } = answered(['zz', END], chat, {
      ...options,
      callRule: { ...REQUIRED, names: ['now'] },
    })
    expect(tokenizer.decode(ids)).toMatch(/^Thought: \nAction: now\nAction Input: \{/)
    expect([text, calls.length]).toEqual(['', 1])
  })

  test('are none where the answer is final', () => {
    const final = answered(['Thought: I now know the final answer.\nFinal Answer: four', END], chat, options)
    expect([final.text, final.calls, final.reason]).toEqual(['four', [], 'stop'])
    expect(answered(['a\nObservation: b', END], chat, options)).toMatchObject({ text: 'a\n', reason: 'stop' })
  })

  test('cannot be told from a text that is held to a form', () => {
    expect(() => answered([''], chat, { ...options, grammar: { kind: 'json_object' } })).toThrow('response_format beside tools') // prettier-ignore
  })
})

describe('the calls of ChatGLM3', () => {
  const chat: ChatFormat = { kind: 'builtin', format: 'chatglm3' }
  const names = ['[gMASK]', 'sop', '<|system|>', '<|user|>', '<|assistant|>', '<|observation|>']
  const ASSISTANT = 259 + 4
  const bytes = byteTokenizer()
  const tokenizer: Tokenizer = {
    ...bytes,
    vocabSize: 259 + names.length,
    idOf: (name) => (names.includes(name) ? 259 + names.indexOf(name) : bytes.idOf(name)),
    nameOf: (id) => names[id - 259] ?? bytes.nameOf(id),
  }
  const options = { tokenizer, tools: NAMED }
  const CALLING = "f\n ```python\ntool_call(city='it\\'s \\\\ \"\\n\\x01é', n=-3)\n```"
  const WANTED = { name: 'f', arguments: JSON.stringify({ city: 'it\'s \\ "\n\u0001é', n: -3 }) }

  test('are Python by the schema', () => {
    expect(answered([CALLING, END], chat, options)).toMatchObject({
      text: '',
      calls: [WANTED],
      reason: 'tool_calls',
    })
    const wrong = answered(['f\n ```python\ntool_call(town=1, ci', END], chat, { ...options, limit: 120 })
    expect(wrong.calls).toHaveLength(1)
    expect(JSON.parse(wrong.calls[0].arguments)).toHaveProperty('city')
  })

  test('come behind text and each other, and are no text by another name', () => {
    const two = answered(['\nWait.', ASSISTANT, CALLING, ASSISTANT, CALLING, END], chat, options)
    expect([two.text, two.calls]).toEqual(['Wait.', [WANTED, WANTED]])
    const one = answered(['\nWait.', ASSISTANT, CALLING, ASSISTANT, CALLING], chat, {
      ...options,
      callRule: SINGLE,
    })
    expect([one.text, one.calls, one.reason]).toEqual(['Wait.', [WANTED], 'tool_calls'])
    const other = 'g\n ```python\ntool_call(x=1)\n```'
    expect(answered([other, END], chat, options)).toMatchObject({ text: other, calls: [], reason: 'stop' })
  })

  test('are forced, parallel ones by the token between them', () => {
    const { ids, calls } = answered([CALLING, ASSISTANT, CALLING, END], chat, {
      ...options,
      callRule: REQUIRED,
    })
    expect(calls).toEqual([WANTED, WANTED])
    expect(ids.filter((id) => id === ASSISTANT)).toHaveLength(1)
  })

  test('have words, lists and names of their own', () => {
    const any = (given: string) => answered([`now\n \`\`\`python\ntool_call(${given})\n\`\`\``, END], chat, options).calls[0].arguments // prettier-ignore
    expect(any("a=True, b=None, c=[1, 'x', {'k': False}], d_1=1.5")).toBe('{"a":true,"b":null,"c":[1,"x",{"k":false}],"d_1":1.5}') // prettier-ignore
    const tools = [f({ type: 'object', properties: { 'a-b': { type: 'null' } }, required: ['a-b'] })]
    expect(() => answered([''], chat, { tokenizer, tools, callRule: REQUIRED })).toThrow(
      /"a-b" can be no name/,
    )
  })
})

describe('the calls of Llama 3', () => {
  const chat: ChatFormat = {
    kind: 'jinja',
    template: `${SAID}{{ tools }}{"name": f, "parameters": dictionary of argument name and its value}`,
  }
  const CALLING = '{"name": "f", "parameters": {"x": 23}}'

  test('are the whole of an answer', () => {
    expect(answered([CALLING, END], chat)).toMatchObject({ text: '', calls: [{ name: 'f', arguments: '{"x": 23}' }], reason: 'tool_calls' }) // prettier-ignore
    expect(answered([`so ${CALLING}`, END], chat)).toMatchObject({ text: `so ${CALLING}`, calls: [], reason: 'stop' }) // prettier-ignore
    expect(answered(['{"a": 1}', END], chat)).toMatchObject({ text: '{"a": 1}', calls: [] })
    expect(answered(['z', CALLING], chat, { callRule: REQUIRED }).calls).toHaveLength(1)
  })
})
