// POST /v1/decisions: what a lane is asked, what its scores become, and what is refused; by the real client too.

import type OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import type { ScoredPrompt, ScoreRequest } from '../../src/protocol/scores.ts'
import { contentText } from '../../src/protocol/generation.ts'
import { plainWritten } from '../../src/protocol/written.ts'
import { clientOver, fakeLanes, MODEL, post } from './helpers.ts'

type Weigh = (continuation: string, prompt: ScoredPrompt, index: number) => number[]

/** Lanes that score by a rule; `requests` are those that they were asked. */
function scoringLanes(weigh: Weigh = (text) => [-text.length]) {
  const requests: ScoreRequest[] = []
  const fake = fakeLanes([], {
    async *score(asked): AsyncGenerator<GenerationEvent> {
      const request = asked as ScoreRequest
      requests.push(request)
      yield { type: 'progress', state: 'prefill', done: 0, total: 9 }
      yield {
        type: 'scores',
        logprobs: request.prompts.map((prompt, index) =>
          prompt.continuations.map((text) => weigh(text, prompt, index)),
        ),
        promptTokens: 30,
        cachedTokens: 12,
        window: { window: 1024, sinks: 4, outOfSight: 0 },
      }
    },
  })
  return { fake, requests }
}

const mood = {
  type: 'choice' as const,
  choices: [{ value: 'glad' }, { value: 'sad' }],
  instructions: 'Which?',
}
const decision = (extra: Record<string, unknown> = {}) => ({
  model: MODEL,
  input: 'The bell rings.',
  questions: [mood],
  ...extra,
})

type Reply = {
  answers: Record<string, unknown>[]
  islet: Record<string, unknown>
  usage: Record<string, unknown>
}

async function reply(
  fake: ReturnType<typeof fakeLanes>,
  extra: Record<string, unknown> = {},
): Promise<Reply> {
  const response = await post(fake, '/v1/decisions', decision(extra))
  const body = await response.json()
  expect(response.status, JSON.stringify(body)).toBe(200)
  return body as Reply
}

const messagesOf = ({ prompt }: ScoredPrompt): string[] =>
  prompt.kind !== 'chat'
    ? []
    : prompt.messages.map((message) => {
        const { role, content } = plainWritten(message)
        return `${role}: ${contentText(content)}`
      })

describe('what a lane is asked', () => {
  it('is each question behind the state, then behind none, whose scores are kept', async () => {
    const { fake, requests } = scoringLanes()
    await reply(fake, { questions: [mood, { type: 'predicate', instructions: 'It rings.' }] })
    const [{ prompts, model, tenant }] = requests
    expect([model, tenant]).toEqual([MODEL, 'anonymous'])
    expect(prompts.map(({ keep }) => keep ?? false)).toEqual([false, false, true, true, true, true])
    expect(prompts[0].continuations).toEqual(prompts[2].continuations)
    expect(prompts[1].continuations).toEqual(prompts[5].continuations)
    expect(prompts[0].continuations).toHaveLength(2)
    for (const [index, word] of ['glad', 'sad'].entries())
      expect(prompts[0].continuations[index].toLowerCase()).toContain(word)
    const shared = (prompt: ScoredPrompt) => messagesOf(prompt).join('\n').startsWith('user: The bell rings.')
    expect(prompts.map(shared)).toEqual([true, true, false, false, false, false])
  })

  it('is the questions alone without calibration', async () => {
    const { fake, requests } = scoringLanes()
    const { islet } = await reply(fake, { islet: { calibration: 'none' } })
    expect(requests[0].prompts).toHaveLength(1)
    expect(requests[0].prompts[0].keep ?? false).toBe(false)
    expect(islet['calibration']).toBe('none')
  })

  it('is messages, calls, outputs and JSON in words, as they were written', async () => {
    const { fake, requests } = scoringLanes()
    const { app } = clientOver(fake)
    const text = `{"model": "${MODEL}", "questions": [{"type": "predicate", "instructions": [{"type": "input_json", "data": {"x": 1.0}}]}],
      "input": [
        {"role": "developer", "content": "Be strict."},
        {"role": "user", "content": [{"type": "input_text", "text": "Here:"}, {"type": "input_json", "data": {"b": 1.0, "10": 12345678901234567890}}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{\\"at\\": 1.0}"},
        {"type": "function_call_output", "call_id": "c1", "output": "a lamp"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "ring", "input": "twice"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "done"}]}
      ]}`
    const response = await app.request('http://localhost/v1/decisions', { method: 'POST', body: text })
    expect(response.status).toBe(200)
    const [first] = requests[0].prompts
    const messages = messagesOf(first)
    expect(messages.slice(0, 5)).toEqual([
      'system: Be strict.',
      'user: Here:\n{"b":1.0,"10":12345678901234567890}',
      'assistant: I look.\n\nCall of look: {"at": 1.0}',
      'user: Result of look: a lamp',
      'assistant: Call of ring: twice',
    ])
    expect(messages[5]).toMatch(/^user: Result of ring: done\n\n/)
    expect([...messages, ...first.continuations].join()).toContain('{"x":1.0}')
    // What the developer says is no state: the question alone stands behind it.
    expect(messagesOf(requests[0].prompts[1])[0]).toBe('system: Be strict.')
    expect(messagesOf(requests[0].prompts[1])).toHaveLength(2)
  })

  it('is sent where chats of the same opening go, or by its key', async () => {
    const { fake, requests } = scoringLanes()
    await reply(fake)
    await reply(fake, { questions: [mood, mood] })
    await reply(fake, { input: 'Something else.' })
    await reply(fake, { prompt_cache_key: 'mine' })
    const keys = requests.map(({ sessionKey }) => sessionKey)
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[0])
    expect(keys[3]).toBe('mine')
  })
})

describe('an answer', () => {
  it('has its options by their words less what these weigh without a state', async () => {
    // Sums of tokens: glad -3 + -1, sad -6; without a state glad -1, sad -7.
    const weigh: Weigh = (text, _, index) =>
      index === 0 ? (/glad/i.test(text) ? [-3, -1] : [-6]) : /glad/i.test(text) ? [-1] : [-7]
    const { fake } = scoringLanes(weigh)
    const plain = await reply(fake, { islet: { calibration: 'none' } })
    expect(plain.answers[0]).toMatchObject({ type: 'choice', name: null, choice: 'glad' })
    const { answers, islet, usage } = await reply(fake)
    expect(answers[0]).toMatchObject({ type: 'choice', name: null, choice: 'sad' })
    expect(islet).toMatchObject({ calibration: 'content_free', window: 1024, out_of_sight: 0 })
    expect(usage).toEqual({
      input_tokens: 33,
      input_tokens_details: { cached_tokens: 12, cache_write_tokens: 0 },
      output_tokens: 0,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 33,
    })
  })

  it('has as its prior the mean over the empty states, to the last bit', async () => {
    const weights = [
      [-1, -1.5],
      [-2, -2.25],
      [-1, -1.25],
    ]
    const { fake } = scoringLanes((text, _, index) => [weights[index][/glad/i.test(text) ? 0 : 1]])
    const [answer] = (await reply(fake)).answers
    // 0.5 against 0.25, each nat of a choice counts 2.
    expect(answer['confidence']).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 12)
    const { fake: raw } = scoringLanes((text, _, index) => [weights[index][/glad/i.test(text) ? 0 : 1]])
    const [plain] = (await reply(raw, { islet: { calibration: 'none' } })).answers
    expect(plain['confidence']).toBeCloseTo(1 / (1 + Math.exp(-1)), 12)
  })

  it('is of each kind, in order, by name, and whole as readers want it', async () => {
    const { fake } = scoringLanes((text, { keep }) => (keep === true ? [-1] : [-(text.length % 5)]))
    const levels = [{ label: 'low', description: 'later' }, { label: 'middle' }, { label: 'high' }]
    const { answers } = await reply(fake, {
      questions: [
        { type: 'score', name: 'how', instructions: 'How?', levels },
        { type: 'predicate', name: 'is', instructions: 'It is.' },
        { type: 'choice', name: 'which', choices: [{ value: 'true' }, { value: true }, { value: false }] },
        { ...mood, name: 'which' },
      ],
    })
    expect(answers.map(({ type, name }) => [type, name])).toEqual([
      ['score', 'how'],
      ['predicate', 'is'],
      ['choice', 'which'],
      ['choice', 'which'],
    ])
    type Part = { value: unknown; probability: number }
    for (const { probabilities, probability, choice, score, confidence } of answers as {
      probabilities?: Part[]
      probability?: number
      choice?: unknown
      score?: number
      confidence?: number
    }[]) {
      if (probabilities === undefined) {
        expect(probability).toBeGreaterThan(0)
        expect(probability).toBeLessThan(1)
        continue
      }
      expect(probabilities.reduce((sum, part) => sum + part.probability, 0)).toBeCloseTo(1, 12)
      const most = Math.max(...probabilities.map((part) => part.probability))
      expect(confidence).toBe(most)
      if (score === undefined)
        expect(probabilities.find(({ value }) => value === choice)?.probability).toBe(most)
      else {
        const mean = probabilities.reduce((sum, part) => sum + Number(part.value) * part.probability, 0)
        expect(score).toBeCloseTo(mean, 12)
        expect(probabilities).toMatchObject([
          { label: 'low', value: 0 },
          { label: 'middle', value: 1 },
          { label: 'high', value: 2 },
        ])
      }
    }
    const typed = answers[2]['probabilities'] as Part[]
    expect(typed.map(({ value }) => value)).toEqual(['true', true, false])
    expect(typed[0].probability).toBe(typed[1].probability)
  })

  it('says of each question how far the model can be trusted with it', async () => {
    const { fake } = scoringLanes()
    const { islet } = await reply(fake, { questions: [mood, { type: 'predicate', instructions: 'It is.' }] })
    expect(islet['reliability']).toHaveLength(2)
    for (const each of islet['reliability'] as string[])
      expect(['measured', 'near_chance', 'unmeasured']).toContain(each)
    const other = await reply(fake, { model: 'org/tiny b' })
    expect(other.islet['reliability']).toEqual(['unmeasured'])
  })
})

describe('the real client', () => {
  it('creates a decision', async () => {
    const { fake } = scoringLanes()
    const { client } = clientOver(fake)
    const made = await client.decisions.create({
      model: MODEL,
      input: [{ role: 'user', content: [{ type: 'input_json', data: { bell: true } }] }],
      questions: [
        { type: 'predicate', instructions: 'It rings.', name: 'rings' },
        { type: 'choice', instructions: 'Which?', choices: [{ value: 'a' }, { value: false }] },
        {
          type: 'score',
          instructions: 'How?',
          levels: [{ label: '0' }, { label: '1', description: 'loud' }],
        },
      ],
    })
    expect(made.model).toBe(MODEL)
    expect(made.answers.map(({ type }) => type)).toEqual(['predicate', 'choice', 'score'])
    expect(made.usage.total_tokens).toBe(made.usage.input_tokens)
  })

  it('is told of a lane that cannot', async () => {
    const { fake } = scoringLanes()
    fake.lanes.score = async function* () {
      yield { type: 'error', code: 'context_length_exceeded', message: 'too long', param: 'messages' }
    }
    const { client } = clientOver(fake)
    const failed = client.decisions.create(decision() as OpenAI.Decisions.DecisionCreateParams)
    await expect(failed).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'input',
    })
  })
})

describe('what is refused', () => {
  const image = { type: 'input_image', image_url: 'data:image/png;base64,AAAA' }
  it.each<[string, Record<string, unknown>, string, string?]>([
    ['no question', { questions: [] }, 'questions'],
    ['no input', { input: undefined }, 'input'],
    ['an unknown field', { temperature: 1 }, 'temperature', 'unknown_parameter'],
    ['an unknown calibration', { islet: { calibration: 'x' } }, 'islet.calibration'],
    ['an image', { input: [{ role: 'user', content: [image] }] }, 'input[0].content[0]', 'unsupported_value'],
    [
      'an image in a question',
      { questions: [{ type: 'predicate', instructions: [image] }] },
      'questions[0].instructions[0]',
      'unsupported_value',
    ],
    ['an unknown kind', { questions: [{ type: 'rank' }] }, 'questions[0]', 'unsupported_value'],
    [
      'a predicate that says nothing',
      { questions: [{ type: 'predicate', instructions: ' ' }] },
      'questions[0].instructions',
    ],
    ['one choice', { questions: [{ ...mood, choices: [{ value: 'a' }] }] }, 'questions[0].choices'],
    [
      'a choice given twice',
      { questions: [{ ...mood, choices: [{ value: 'a' }, { value: 'a' }] }] },
      'questions[0].choices',
    ],
    [
      'a number as a choice',
      { questions: [{ ...mood, choices: [{ value: 1 }, { value: 2 }] }] },
      'questions[0].choices[0].value',
    ],
    [
      'an output without its call',
      { input: [{ type: 'function_call_output', call_id: 'x', output: 'y' }] },
      'input[0].call_id',
    ],
    ['another model', { model: 'gpt-6-luna' }, 'model', 'model_not_found'],
  ])('%s', async (_, extra, param, code = 'invalid_request') => {
    const { fake, requests } = scoringLanes()
    const response = await post(fake, '/v1/decisions', decision(extra))
    const { error } = (await response.json()) as { error: Record<string, unknown> }
    expect(error).toMatchObject({ param, code })
    expect(response.status).toBe(code === 'model_not_found' ? 404 : 400)
    expect(requests).toEqual([])
  })
})
