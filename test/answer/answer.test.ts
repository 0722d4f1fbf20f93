// An answer's ids become content, calls and its end by the rules of the model's chat format.

import { describe, expect, it } from 'vitest'
import { answerRules, type RulesOptions } from '../../src/chat/answers/rules.ts'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { createScratch } from '../../src/sampling/candidates.ts'
import { Answer, type PlacedText } from '../../src/answer/answer.ts'
import { preparePrompt, rulesFor } from '../../src/answer/prepare-prompt.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import type { ChatFormat } from '../../src/weights/manifest.ts'
import { byteTokenizer, END, MARK } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

const HERMES: ChatFormat = { kind: 'jinja', template: '{{ tools }}<tool_call>' }
const chatOf = (format: 'chatglm3' | 'qwen1'): ChatFormat => ({ kind: 'builtin', format })
const prompt: GenerateRequest['prompt'] = { kind: 'chat', messages: [{ role: 'user', content: 'q' }] }
const CALL = '<tool_call>{"name":"f","arguments":{"x":1}}</tool_call>'

/** The byte tokenizer with a name of the format for its mark. */
function tokenizerWith(mark: string): Tokenizer {
  const bytes = byteTokenizer()
  return {
    ...bytes,
    idOf: (name) => (name === mark ? MARK : bytes.idOf(name)),
    nameOf: (id) => (id === MARK ? mark : bytes.nameOf(id)),
  }
}

/** Lets the sampler choose these ids, one after the other, until it ends the answer. */
function answerOf(
  ids: readonly number[],
  chat: ChatFormat,
  options: RulesOptions,
  { tokenizer = byteTokenizer(), ...changes }: Partial<GenerateRequest> & { tokenizer?: Tokenizer } = {},
) {
  const rules = answerRules(tokenizer, chat, options)
  const scratch = createScratch(tokenizer.vocabSize)
  const answer = new Answer(request(changes), tokenizer, [], rules, false)
  answer.begin(scratch)
  const events: PlacedText[] = []
  let ended = false
  for (const [position, id] of ids.entries()) {
    const logits = new Float32Array(tokenizer.vocabSize)
    logits[id] = 9
    ended = answer.choose(logits, position).stop
    for (let event = answer.take(); event !== undefined; event = answer.take()) events.push(event)
    if (ended) break
  }
  if (!ended) {
    const rest = answer.end()
    if (rest !== undefined) events.push(rest)
  }
  expect(events).toEqual(replayed(new Answer(request(changes), tokenizer, [], rules, false), ids, ended))
  return {
    events,
    text: events.map((event) => event.text).join(''),
    calls: events.flatMap((event) => event.calls ?? []),
    count: events.reduce((sum, event) => sum + event.ids.length, 0),
    reason: answer.finishReason(ended ? 'stop' : 'length'),
    stopString: answer.stopString,
  }
}

/** Events of an answer to which the same ids are given, rather than chosen by it. They have the same places. */
function replayed(answer: Answer, ids: readonly number[], ended: boolean): PlacedText[] {
  const events: PlacedText[] = []
  for (const id of ids) if (!answer.stopped) answer.replay([id], [])
  for (let event = answer.take(); event !== undefined; event = answer.take()) events.push(event)
  const rest = ended ? undefined : answer.end()
  if (rest !== undefined) events.push(rest)
  expect(events.map(({ at }) => at)).toEqual(events.map((_, place) => place))
  return events
}

const bytes = (text: string): number[] => byteTokenizer().encode(text)

describe('a call', () => {
  it('never shows a part of itself, and ends the answer as such', () => {
    const { events, text, calls, count, reason } = answerOf([...bytes(`ok ${CALL}`), END], HERMES, {
      tools: true,
    })
    expect(text).toBe('ok')
    expect(events.filter((event) => /[ <]/.test(event.text))).toEqual([])
    expect(calls).toEqual([{ name: 'f', arguments: '{"x":1}' }])
    expect(count).toBe(`ok ${CALL}`.length)
    expect(reason).toBe('tool_calls')
  })

  it('is text where nothing was offered', () => {
    const { text, calls, reason } = answerOf([...bytes(CALL), END], HERMES, { tools: false })
    expect([text, calls, reason]).toEqual([CALL, [], 'stop'])
  })

  it('that was cut short is not given as one', () => {
    const { text, calls, reason } = answerOf(bytes(CALL.slice(0, -20)), HERMES, { tools: true })
    expect([text, calls, reason]).toEqual([CALL.slice(0, -20), [], 'length'])
  })

  it('is not why an answer ended that its limit of tokens ended', () => {
    const { calls, reason } = answerOf(bytes(`${CALL} `), HERMES, { tools: true })
    expect([calls.length, reason]).toEqual([1, 'length'])
  })

  it('in front of a stop string still counts', () => {
    const { calls, reason } = answerOf(bytes(`${CALL}STOP`), HERMES, { tools: true }, { stop: ['STOP'] })
    expect([calls.length, reason]).toEqual([1, 'tool_calls'])
  })
})

describe('the end of an answer', () => {
  it('is a token of the format', () => {
    const tokenizer = tokenizerWith('<|observation|>')
    const ids = [...bytes('\nhi'), MARK, ...bytes('more')]
    expect(answerOf(ids, chatOf('chatglm3'), { tools: true }, { tokenizer })).toMatchObject({
      text: 'hi',
      reason: 'stop',
    })
    const going = answerOf(ids, chatOf('chatglm3'), { tools: true }, { tokenizer, ignoreEos: true })
    expect(going.text).toBe('himore')
  })

  it('is a stop string of the request, which is named: the longest of those that end together', () => {
    const options = { stop: ['never', 'OP', 'STOP'] }
    const stopped = answerOf(bytes('aSTOPb'), HERMES, { tools: false }, options)
    expect(stopped).toMatchObject({ text: 'a', reason: 'stop', stopString: 'STOP' })
    expect(answerOf(bytes('aSTO'), HERMES, { tools: false }, options).stopString).toBeUndefined()
    const written = '\nAction: f\nAction Input: {}\nObservation: made up'
    expect(answerOf(bytes(written), chatOf('qwen1'), { tools: true }, options).stopString).toBeUndefined()
  })

  it('is a word of the format, with functions alone', () => {
    const written = '\nAction: f\nAction Input: {}\nObservation: made up'
    const { calls, reason, count } = answerOf(bytes(written), chatOf('qwen1'), { tools: true })
    expect(calls).toEqual([{ name: 'f', arguments: '{}' }])
    expect(reason).toBe('tool_calls')
    expect(count).toBe(written.indexOf(':', written.indexOf('Obs')) + 1)
    expect(answerOf(bytes(written), chatOf('qwen1'), { tools: false }).text).toBe(written)
  })
})

it('a mark inside an answer is seen by its parser, though it prints nothing', () => {
  const tokenizer = tokenizerWith('<|assistant|>')
  const code = 'f\n ```python\ntool_call(x=1)\n```'
  const { text, calls } = answerOf(
    [...bytes('\nok'), MARK, ...bytes(code), END],
    chatOf('chatglm3'),
    { tools: true },
    { tokenizer },
  )
  expect(text).toBe('ok')
  expect(calls).toEqual([{ name: 'f', arguments: '{"x":1}' }])
})

describe('a prompt', () => {
  const limits = { maxPrompt: 100, maxPositions: 200 }
  const text = (chat: ChatFormat) => ({ manifest: { ...mockManifest(), chat }, tokenizer: byteTokenizer() })

  it('with functions says them in words where the format has none for them', () => {
    const offered = request({ prompt: { ...prompt, tools: [{ name: 'f', parameters: { x: 1 } }] } })
    for (const chat of [
      {
        kind: 'jinja',
        template: '{{ tools }}{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}',
      },
      { kind: 'builtin', format: 'llama2' },
    ] as ChatFormat[]) {
      const { ids, form } = preparePrompt(offered, text(chat), { maxPrompt: 1000, maxPositions: 2000 })
      expect(byteTokenizer().decode(ids)).toContain('{"name":"f","parameters":{"x":1}}')
      expect(form?.calls).toMatchObject({ style: 'tool_call', required: false, single: false })
    }
  })

  it('passes variables on to a template, and to nothing else', () => {
    const chat: ChatFormat = { kind: 'jinja', template: '{% if enable_thinking is false %}no{% endif %}' }
    const asked = request({ prompt: { ...prompt, variables: { enable_thinking: false } } })
    expect(preparePrompt(asked, text(chat), limits).ids.slice(1)).toEqual(bytes('no'))
    expect(() => preparePrompt(asked, text(chatOf('qwen1')), limits)).toThrow(
      expect.objectContaining({ code: 'unsupported_value', param: 'chat_template_kwargs' }),
    )
  })

  const thinker: Tokenizer = {
    ...tokenizerWith('<think>'),
    encode: (said) =>
      said.split('<think>').flatMap((piece, index) => (index > 0 ? [MARK, ...bytes(piece)] : bytes(piece))),
  }

  it('that ends in <think> begins the answer with thoughts', () => {
    const chat: ChatFormat = { kind: 'jinja', template: '</think><think>\n' }
    // The mark may be a token that prints nothing.
    for (const tokenizer of [byteTokenizer(), thinker]) {
      const words = { ...text(chat), tokenizer }
      const rules = rulesFor(preparePrompt(request({ prompt }), words, limits), words)
      expect(rules.parser().push('hm</think>yes')).toEqual([
        { kind: 'reasoning', text: 'hm' },
        { kind: 'content', text: 'yes' },
      ])
    }
  })
})
