// Answers back to content and calls: as the originals do it, and the same however the text is cut into pieces.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chatglm3Messages } from '../../src/chat/answers/chatglm3.ts'
import { joinPieces, parseWhole, type AnswerPiece, type ParsedAnswer } from '../../src/chat/answers/parser.ts'
import { pythonCallArguments } from '../../src/chat/answers/python-call.ts'
import { answerParser, readsToolCalls, type RulesOptions } from '../../src/chat/answers/rules.ts'
import { pythonJson, pythonLiteral } from '../../src/chat/python-text.ts'
import type { BuiltinFormat, ChatFormat } from '../../src/weights/manifest.ts'
import { FIXTURES, seeded } from '../tokenizer/support.ts'
import { readChat } from './golden-chats.ts'

const builtin = (format: BuiltinFormat): ChatFormat => ({ kind: 'builtin', format })
const HERMES: ChatFormat = {
  kind: 'jinja',
  template: '{% for t in tools %}{{ t }}{% endfor %}<tool_call></tool_call>',
}
const THINKER: ChatFormat = {
  kind: 'jinja',
  template: '{% for t in tools %}{{ t }}{% endfor %}<tool_call><think></think>',
}

/** The whole at once, and the same in pieces of every kind. */
function parse(chat: ChatFormat, text: string, options: RulesOptions = { tools: true }): ParsedAnswer {
  const whole = parseWhole(answerParser(chat, options), text)
  const random = seeded(text.length)
  for (let round = 0; round < 20; round++) {
    const parser = answerParser(chat, options)
    const answer: AnswerPiece[] = []
    for (let at = 0; at <= text.length;) {
      const length = 1 + random(round + 1)
      answer.push(...(at < text.length ? parser.push(text.slice(at, at + length)) : parser.end()))
      at = at === text.length ? at + 1 : Math.min(at + length, text.length)
    }
    expect(joinPieces(answer)).toEqual(whole)
  }
  return whole
}

const said = (content: string): ParsedAnswer => ({ content, reasoning: '', calls: [] })

describe('goldens', () => {
  it('ChatGLM-6B', () => {
    const { process_response: cases } = readChat<{ process_response: { in: string; out: string }[] }>(
      join(FIXTURES, 'chatglm1'),
    )
    expect(cases).toHaveLength(6)
    for (const { in: text, out } of cases) expect(parse(builtin('chatglm1'), text)).toEqual(said(out))
  })

  it('ChatGLM3-6B', () => {
    type Case = {
      output: string
      history_has_tools: boolean
      response: string | { name: string; parameters?: object; content?: string }
      new_messages: { metadata: string; content: string }[]
    }
    const { process_response: cases } = readChat<{ process_response: Case[] }>(join(FIXTURES, 'chatglm3'))
    expect(cases).toHaveLength(4)
    for (const { output, history_has_tools: tools, response, new_messages } of cases) {
      const answer = parse(builtin('chatglm3'), output, { tools })
      expect(chatglm3Messages(output)).toEqual(new_messages)
      if (typeof response === 'string') expect(answer).toEqual(said(response))
      else if (response.parameters === undefined)
        expect(answer).toEqual(said(`${response.name}\n${response.content}`))
      else {
        expect(answer.calls.map(({ name }) => name)).toEqual([response.name])
        expect(JSON.parse(answer.calls[0].arguments)).toEqual(response.parameters)
        expect(answer.content).toBe(new_messages.length > 1 ? new_messages[0].content : '')
      }
    }
  })

  it('Qwen-7B-Chat', () => {
    type Case = {
      output: string
      content: string
      function_call: { name: string; arguments: string } | null
      finish_reason: string
    }
    const { parse_response: cases } = readChat<{ parse_response: Case[] }>(join(FIXTURES, 'qwen1'))
    expect(cases).toHaveLength(5)
    for (const { output, content, function_call: call } of cases) {
      const calls = call === null ? [] : [call]
      expect(parse(builtin('qwen1'), output)).toEqual({ content, reasoning: '', calls })
      expect(parse(builtin('qwen1'), output, { tools: false })).toEqual(said(output))
    }
  })
})

describe('<tool_call> blocks', () => {
  const call = (name: string, args: string) =>
    `<tool_call>\n{"name": "${name}", "arguments": ${args}}\n</tool_call>`
  const two = `我来查一下。\n${call('get_weather', '{"city": "上海"}')}\n${call('now', '{}')}`
  const calls = [
    { name: 'get_weather', arguments: '{"city":"上海"}' },
    { name: 'now', arguments: '{}' },
  ]

  it('are calls where functions were offered, text otherwise', () => {
    expect(parse(HERMES, two)).toEqual({ content: '我来查一下。', reasoning: '', calls })
    expect(parse(HERMES, `${two}\n`)).toEqual({ content: '我来查一下。', reasoning: '', calls })
    expect(parse(HERMES, two, { tools: false })).toEqual(said(two))
    expect(parse(HERMES, call('f', '"{}"')).calls).toEqual([{ name: 'f', arguments: '{}' }])
    expect(parse(HERMES, call('f', 'null')).calls).toEqual([{ name: 'f', arguments: '{}' }])
  })

  it('may lack their end, if they are whole', () => {
    const open = two.replace(/\n<\/tool_call>$/, '')
    expect(parse(HERMES, open)).toEqual({ content: '我来查一下。', reasoning: '', calls })
    expect(parse(HERMES, two.slice(0, -20)).calls).toEqual(calls.slice(0, 1))
  })

  it.each([
    'a < b',
    'a <tool',
    'a \n <tool_call',
    'text \n',
    ' \n\ttext',
    'a\n<tool_call>{"name": 5}</tool_call> b',
    'a\n<tool_call>{"name"',
    '</tool_call>',
    '',
  ])('lose nothing of %j', (text) => {
    expect(parse(HERMES, text)).toEqual(said(text))
  })
})

describe('<think>', () => {
  const text = '<think>\n先想 <b> 一想。\n</think>\n\n答案是四。'
  const thought = { content: '答案是四。', reasoning: '先想 <b> 一想。', calls: [] }

  it('is apart from the content', () => {
    expect(parse(THINKER, text)).toEqual(thought)
    expect(parse(THINKER, `\n${text}`)).toEqual(thought)
    expect(parse(THINKER, text.replace('<think>\n', ''), { tools: false, thinking: true })).toEqual(thought)
    expect(parse(THINKER, text, { tools: false })).toEqual(thought)
  })

  it('may be empty, cut short, absent, or followed by a call', () => {
    expect(parse(THINKER, '<think>\n\n</think>\n\nja')).toEqual(said('ja'))
    expect(parse(THINKER, '<think>\nhm, </thi')).toEqual({ content: '', reasoning: 'hm, </thi', calls: [] })
    expect(parse(THINKER, 'ja <think>')).toEqual(said('ja <think>'))
    expect(parse(THINKER, '<thin')).toEqual(said('<thin'))
    expect(
      parse(THINKER, '<think>a</think>\n<tool_call>{"name":"f","arguments":{"x":1}}</tool_call>'),
    ).toEqual({
      content: '',
      reasoning: 'a',
      calls: [{ name: 'f', arguments: '{"x":1}' }],
    })
  })
})

describe('ChatGLM3', () => {
  const fenced = (code: string) => `f\n \`\`\`python\n${code}\n\`\`\``

  it('gives text for what is no call', () => {
    for (const code of [
      'print(1)',
      'tool_call(1)',
      'tool_call(a=b)',
      'tool_call(a=1',
      'tool_call(a=1+1)',
      '',
    ])
      expect(parse(builtin('chatglm3'), fenced(code))).toEqual(said(fenced(code)))
    expect(parse(builtin('chatglm3'), 'one line')).toEqual(said('one line'))
    expect(parse(builtin('chatglm3'), '\na<|assistant|>\nb\n<|assi')).toEqual(said('a\nb\n<|assi'))
    expect(parse(builtin('chatglm3'), ' two\nlines ', { tools: false })).toEqual(said('two\nlines'))
  })

  it('reads several calls', () => {
    const answer = parse(
      builtin('chatglm3'),
      [fenced('tool_call()'), fenced('tool_call(a=2)')].join('<|assistant|>'),
    )
    expect(answer.calls.map((call) => call.arguments)).toEqual(['{}', '{"a":2}'])
  })
})

describe('Python literals', () => {
  it.each([
    [`tool_call(a='x', b="y\\'s", c='''z\n''')`, { a: 'x', b: "y's", c: 'z\n' }],
    ['tool_call(a=1, b=-2.5, c=1_000, d=.5, e=1e3, f=2.)', { a: 1, b: -2.5, c: 1000, d: 0.5, e: 1000, f: 2 }],
    ['tool_call(a=True, b=False, c=None,)', { a: true, b: false, c: null }],
    [`tool_call(a=[1, (2, 3), {'k': [], 4: {}}])`, { a: [1, [2, 3], { k: [], 4: {} }] }],
    [`tool_call(a='\\u4f60\\x41\\n\\\\\\0' 'b', c=r'\\d')`, { a: '你A\n\\\0b', c: '\\d' }],
    [' tool_call ( 城市 = "北京" ) ', { 城市: '北京' }],
  ])('%j', (text, value) => {
    expect(JSON.parse(pythonCallArguments(text) ?? '')).toEqual(value)
  })

  it('keep the digits of whole numbers, and are not followed without end', () => {
    expect(pythonCallArguments('tool_call(a=123456789012345678901234567890)')).toBe(
      '{"a":123456789012345678901234567890}',
    )
    expect(pythonCallArguments(`tool_call(a=${'['.repeat(100_000)}`)).toBeUndefined()
    for (const text of [
      'tool_call(a=f"x")',
      'tool_call(a=007)',
      "tool_call(a='x\n')",
      'tool_call(**{})',
      "tool_call(a='\\xg1')",
    ])
      expect(pythonCallArguments(text)).toBeUndefined()
  })

  it('are written as Python writes them', () => {
    expect(pythonLiteral({ a: [1, -0.5, 1e21, 1e-7], b: true, c: null, d: '\u200b\n"\'' })).toBe(
      `{'a': [1, -0.5, 1e+21, 1e-07], 'b': True, 'c': None, 'd': '\\u200b\\n"\\''}`,
    )
    expect(pythonLiteral("it's")).toBe(`"it's"`)
    expect(pythonJson({ a: [], b: {}, c: [1, { d: 'é"' }] })).toBe(
      '{"a": [], "b": {}, "c": [1, {"d": "é\\""}]}',
    )
    const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown
    for (const write of [pythonJson, pythonLiteral])
      expect(() => write(deep)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
    expect(pythonJson({ a: [], c: [1, { d: 2 }] }, 4)).toBe(
      '{\n    "a": [],\n    "c": [\n        1,\n        {\n            "d": 2\n        }\n    ]\n}',
    )
  })
})

it('knows which formats have calls', () => {
  const formats: BuiltinFormat[] = ['llama2', 'baichuan1', 'baichuan2', 'chatglm1', 'chatglm2']
  for (const format of formats) expect(readsToolCalls(builtin(format))).toBe(false)
  for (const chat of [builtin('chatglm3'), builtin('qwen1'), HERMES]) expect(readsToolCalls(chat)).toBe(true)
  expect(readsToolCalls({ kind: 'jinja', template: '{{ tools }}' })).toBe(false)
  expect(readsToolCalls({ kind: 'none' })).toBe(false)
})

describe('what a model wrote in a call', () => {
  const calls = (chat: ChatFormat, text: string): unknown => parse(chat, text).calls
  it('keeps its digits and the order of its keys', () => {
    const written = '{"b":1.0,"10":12345678901234567890,"2":1e16,"x":[-0.0,2.50]}'
    const exact = '{"b":1.0,"10":12345678901234567890,"2":10000000000000000.0,"x":[-0.0,2.5]}'
    expect(calls(HERMES, `<tool_call>{"name": "f", "arguments": ${written}}</tool_call>`)).toEqual([
      { name: 'f', arguments: exact },
    ])
    expect(calls(HERMES, `<tool_call>{"arguments": ${written}, "name": "f"}</tool_call>`)).toEqual([
      { name: 'f', arguments: exact },
    ])
    expect(calls(builtin('qwen1'), `\nAction: f\nAction Input: ${written}\n`)).toEqual([
      { name: 'f', arguments: written },
    ])
    const fenced = 'f\n```python\ntool_call(b=1.0, c=2., d=1e16, e=.5, f=12345678901234567890)\n```'
    expect(calls(builtin('chatglm3'), fenced)).toEqual([
      { name: 'f', arguments: '{"b":1.0,"c":2.0,"d":1e+16,"e":0.5,"f":12345678901234567890}' },
    ])
  })
})

describe("the white space around an answer is Python's", () => {
  // Python strips U+001F and U+0085, and keeps U+FEFF; JavaScript does the opposite.
  const [gone, kept] = ['\x1f\x85\u2003\n', '\ufeff']
  it.each(['chatglm1', 'chatglm2', 'chatglm3'] as const)('%s', (format) => {
    const text = `${gone}${kept}a${kept}${gone}`
    expect(parse(builtin(format), text, { tools: false })).toEqual(said(`${kept}a${kept}`))
  })

  it('ReAct', () => {
    const text = `Thought: ${kept}so${gone}\nAction:${gone}f${kept}${gone}\nAction Input:${gone}{}${kept}${gone}`
    expect(parse(builtin('qwen1'), text)).toEqual({
      content: `${kept}so`,
      reasoning: '',
      calls: [{ name: `f${kept}`, arguments: `{}${kept}` }],
    })
  })

  it('thoughts and calls', () => {
    const call = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    const text = `${gone}<think>${gone}${kept}why${kept}${gone}</think>${gone}${kept}so${kept}${gone}${call}${gone}`
    expect(parse(THINKER, text)).toEqual({
      content: `${kept}so${kept}`,
      reasoning: `${kept}why${kept}`,
      calls: [{ name: 'f', arguments: '{}' }],
    })
  })
})
