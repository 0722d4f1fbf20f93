// POST /v1/responses and what is kept of it, through the real client.

import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../src/protocol/generation.ts'
import { hashText } from '../../src/api/http/hash-text.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { TurnView } from '../../src/protocol/lane-reports.ts'
import {
  HELLO,
  MODEL,
  ORIGIN,
  TURN,
  appOver,
  clientOver,
  fakeLanes,
  finish,
  gather,
  post,
  sessionOf,
  start,
  stored,
  text,
} from './helpers.ts'

const ask = (extra: object = {}) => ({ model: MODEL, input: 'Hi', ...extra })
const called: GenerationEvent = {
  type: 'text',
  text: '',
  reasoning: 'hm',
  calls: [{ name: 'now', arguments: '{}' }],
  ids: [9],
}
const TOOLS = [{ type: 'function' as const, name: 'now', parameters: {}, strict: null }]

/** A lane that keeps what the first request asked, in the given state. */
function keeping(state: TurnView['state'] = 'done', events = HELLO as GenerationEvent[]) {
  const reply = {
    kind: 'response',
    id: 'resp_x',
    created: 7,
    model: MODEL,
    background: false,
    shown: { metadata: { a: 'b' } },
  }
  const conversation = [{ role: 'user', content: 'Hi' }]
  const view: TurnView = {
    session: 'sess_1_abc',
    turn: TURN,
    reply,
    state,
    createdAt: 7000,
    conversation,
    events,
  }
  const known = (id: string): TurnView => {
    if (id !== TURN) throw new IsletError('not_found', 'no')
    return view
  }
  return fakeLanes((request) => [sessionOf(request.reply), ...HELLO], {
    turn: async (_, id) => known(id),
    removeTurn: async (_, id) => void known(id),
    cancelTurn: async (_, id) => ({ ...known(id), state: 'cancelled' }),
    async *resume() {
      yield sessionOf(reply)
      yield* events
    },
  })
}

describe('a whole response', () => {
  it("is the client's: id of its turn, text, usage, and what was asked", async () => {
    const fake = stored()
    const { client } = clientOver(fake)
    const response = await client.responses.create(ask({ instructions: 'Be brief', metadata: { k: 'v' } }))
    expect(response.output_text).toBe('Hello 🌍')
    expect(response).toMatchObject({
      id: `resp_${TURN}`,
      status: 'completed',
      instructions: 'Be brief',
      metadata: { k: 'v' },
      usage: {
        input_tokens: 12,
        output_tokens: 3,
        total_tokens: 15,
        input_tokens_details: { cached_tokens: 5 },
      },
      islet: { session: 'sess_1_abc', window: 1024 },
    })
    const conversation = [{ role: 'user', content: 'Hi' }]
    expect(fake.requests[0]).toMatchObject({
      store: true,
      conversation,
      prompt: { messages: [{ role: 'system', content: 'Be brief' }, ...conversation] },
    })
  })

  it('without store is named after its request and keeps nothing', async () => {
    const fake = fakeLanes()
    const response = await clientOver(fake).client.responses.create(ask({ store: false }))
    expect(response.id).toBe('resp_id1')
    expect(fake.requests[0].store).toBe(false)
    expect(fake.requests[0]).not.toHaveProperty('conversation')
  })

  it('has items that are incomplete where it was cut, and whole where it was not', async () => {
    const cut = { ...finish, reason: 'length' } as GenerationEvent
    const thought: GenerationEvent = { type: 'text', text: '', reasoning: 'hm', ids: [1] }
    const cases: [events: GenerationEvent[], items: [type: string, status: string][]][] = [
      [[start, text('a'), cut], [['message', 'incomplete']]],
      [[start, thought, cut], [['reasoning', 'incomplete']]],
      [
        [start, thought, text('a'), cut],
        [
          ['reasoning', 'completed'],
          ['message', 'incomplete'],
        ],
      ],
      [[start, text('a'), finish], [['message', 'completed']]],
      // What stands before a call is whole.
      [
        [start, text('a'), { ...called, reasoning: undefined } as GenerationEvent, cut],
        [
          ['message', 'completed'],
          ['function_call', 'completed'],
        ],
      ],
    ]
    for (const [events, items] of cases) {
      const whole = await clientOver(stored(events)).client.responses.create(ask())
      const seen = (output: typeof whole.output) =>
        output.map((item) => [item.type, 'status' in item ? item.status : undefined])
      expect(seen(whole.output)).toEqual(items)
      const stream = await clientOver(stored(events)).client.responses.create({ ...ask(), stream: true })
      const said = await gather(stream)
      const done = said.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []))
      expect(seen(done)).toEqual(items)
    }
    const failing: GenerationEvent = { type: 'error', code: 'engine_failure', message: 'it trapped' }
    const stream = await clientOver(stored([start, text('a'), failing])).client.responses.create({
      ...ask(),
      stream: true,
    })
    expect((await gather(stream)).at(-1)).toMatchObject({
      type: 'response.failed',
      response: { output: [{ type: 'message', status: 'incomplete' }] },
    })
  })

  it('of nothing at all is an empty message, whole, streamed and kept', async () => {
    for (const [end, status] of [
      [finish, 'completed'],
      [{ ...finish, reason: 'length' } as GenerationEvent, 'incomplete'],
    ] as const) {
      const empty = [
        {
          id: `msg_${TURN}`,
          type: 'message',
          role: 'assistant',
          status,
          content: [{ type: 'output_text', text: '', annotations: [], logprobs: [] }],
        },
      ]
      const { client } = clientOver(stored([start, end]))
      expect((await client.responses.create(ask())).output).toEqual(empty)
      const events = await gather(await client.responses.create({ ...ask(), stream: true }))
      expect(events.map(({ type }) => type)).toEqual([
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        `response.${status}`,
      ])
      expect(events.at(-1)).toMatchObject({ response: { output: empty } })
      const kept = clientOver(keeping('done', [start, end])).client.responses
      expect((await kept.retrieve(`resp_${TURN}`)).output).toEqual(empty)
    }
    // Thoughts or calls are something.
    const calling = clientOver(
      stored([start, called, { ...finish, reason: 'tool_calls' } as GenerationEvent]),
    )
    const { output } = await calling.client.responses.create(ask({ tools: TOOLS }))
    expect(output.map(({ type }) => type)).toEqual(['reasoning', 'function_call'])
  })

  it('that is cut is incomplete', async () => {
    const fake = stored([start, text('a'), { ...finish, reason: 'length' } as GenerationEvent])
    const response = await clientOver(fake).client.responses.create(ask())
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
  })
})

describe('a streamed response', () => {
  it('has typed, numbered, named events and no [DONE]', async () => {
    const { client, app } = clientOver(stored())
    const events = await gather(await client.responses.create({ ...ask(), stream: true }))
    expect(events.map((event) => event.type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...Array<string>(3).fill('response.output_text.delta'),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
    const body = JSON.stringify(ask({ stream: true }))
    const wire = await (await app.request(`${ORIGIN}/v1/responses`, { method: 'POST', body })).text()
    expect(wire).toMatch(/^event: response\.created\ndata: \{"type":"response\.created"/)
    expect(wire).not.toContain('[DONE]')
  })

  it('adds up in .stream(), thoughts and calls too, to the whole response', async () => {
    const script = [start, called, { ...finish, reason: 'tool_calls' } as GenerationEvent]
    const { client } = clientOver(stored(script))
    const streamed = await client.responses.stream(ask({ tools: TOOLS })).finalResponse()
    const whole = await client.responses.create(ask({ tools: TOOLS }))
    expect(streamed.output.map((item) => item.type)).toEqual(['reasoning', 'function_call'])
    expect(streamed.output[1]).toMatchObject({ name: 'now', arguments: '{}', call_id: `call_${TURN}_0` })
    expect(whole.output).toMatchObject(
      JSON.parse(JSON.stringify(streamed.output.map(({ id, type }) => ({ id, type })))),
    )
  })

  it('that fails ends with response.failed; one that another reads now, with an error', async () => {
    const fail = (code: string) => stored([start, { type: 'error', code, message: 'oh' }])
    const { client } = clientOver(fail('engine_failure'))
    const events = await gather(await client.responses.create({ ...ask(), stream: true }))
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed' } })
    const other = await clientOver(fail('conflict')).client.responses.create({ ...ask(), stream: true })
    await expect(gather(other)).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('what is kept', () => {
  it('is gone on from: conversation, answer with calls, new input, and its session', async () => {
    const fake = keeping('done', [start, called, finish])
    await clientOver(fake).client.responses.create(
      ask({
        previous_response_id: `resp_${TURN}`,
        input: [{ type: 'function_call_output', call_id: `call_${TURN}_0`, output: 'noon' }],
      }),
    )
    expect(fake.requests[0].session).toBe('sess_1_abc')
    expect(fake.requests[0].conversation).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: '', tool_calls: [{ id: `call_${TURN}_0`, function: { name: 'now' } }] },
      { role: 'tool', content: 'noon' },
    ])
  })

  it('is refused as previous while unfinished (400) or unknown (404)', async () => {
    for (const [state, id, status] of [
      ['paused', TURN, 400],
      ['done', 'nope', 404],
    ] as const) {
      const response = await post(
        keeping(state),
        '/v1/responses',
        ask({ previous_response_id: `resp_${id}` }),
      )
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ error: { param: 'previous_response_id' } })
    }
  })

  it('is retrieved, cancelled, deleted and listed', async () => {
    const { client } = clientOver(keeping())
    const id = `resp_${TURN}`
    expect(await client.responses.retrieve(id)).toMatchObject({
      id,
      created_at: 7,
      metadata: { a: 'b' },
      status: 'completed',
      output_text: 'Hello 🌍',
    })
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: 'cancelled' })
    await client.responses.delete(id)
    await expect(client.responses.retrieve('resp_other')).rejects.toMatchObject({ status: 404 })
    const items = await client.responses.inputItems.list(id)
    expect(items.data).toMatchObject([{ type: 'message', role: 'user', content: [{ text: 'Hi' }] }])
  })

  it('is streamed again after every sequence number', async () => {
    const { app } = appOver(keeping())
    const read = async (query: string) => {
      const response = await app.request(`${ORIGIN}/v1/responses/resp_${TURN}?stream=true${query}`)
      return (await response.text()).split('\n\n').filter((frame) => frame !== '' && frame !== ':')
    }
    const all = await read('')
    expect(all).toHaveLength(11)
    for (let n = 0; n < 11; n++) expect(await read(`&starting_after=${n}`)).toEqual(all.slice(n + 1))
  })

  it('in the background is answered at once, and needs store', async () => {
    const fake = stored()
    const response = await clientOver(fake).client.responses.create(ask({ background: true }))
    expect(response).toMatchObject({ id: `resp_${TURN}`, status: 'queued', background: true })
    expect([fake.produced, fake.closed]).toEqual([1, 1])
    const refused = await post(fake, '/v1/responses', ask({ background: true, store: false }))
    expect(await refused.json()).toMatchObject({ error: { param: 'background' } })
  })
})

describe('responses of others', () => {
  it('are asked for in the name of the key and not found', async () => {
    const fake = fakeLanes()
    const { client } = clientOver(fake, {}, 'other')
    const tenant = await hashText('other')
    const id = 'resp_x'
    for (const asked of [
      () => client.responses.retrieve(id),
      () => client.responses.delete(id),
      () => client.responses.cancel(id),
      () => client.responses.create(ask({ previous_response_id: id })),
      () => client.responses.retrieve(id, { stream: true }),
    ])
      await expect(asked()).rejects.toMatchObject({ status: 404, code: 'not_found' })
    const methods = ['turn', 'removeTurn', 'cancelTurn', 'turn', 'resume']
    expect(fake.asked).toEqual(methods.map((method) => `${method} ${tenant} x`))
    expect(fake.requests).toEqual([])
  })
})

describe('nothing to include', () => {
  it.each([[[]], [['reasoning.encrypted_content']]])('%j is accepted', async (include) => {
    expect((await post(fakeLanes(), '/v1/responses', ask({ include }))).status).toBe(200)
  })

  it.each([
    [['message.input_image.image_url'], '["message.input_image.image_url"]'],
    [['reasoning.encrypted_content', 'x'], '["reasoning.encrypted_content", "x"]'],
    [{ a: [1, [[2]]] }, '{"a": [1, [an array]]}'],
    [[1, 2, 3, 4, 5], '[1, 2, 3, ...]'],
  ])('%j is told as it was sent', async (include, words) => {
    const response = await post(fakeLanes(), '/v1/responses', ask({ include }))
    expect(await response.json()).toMatchObject({
      error: {
        message: `include is supported only as an array of "reasoning.encrypted_content" and "message.output_text.logprobs", not ${words}`,
      },
    })
  })
})

describe('refused', () => {
  const cases: [object, string, string][] = [
    [{ bogus: 1 }, 'bogus', 'unknown_parameter'],
    [{ input: undefined }, 'input', 'invalid_request'],
    [{ input: [] }, 'input', 'invalid_request'],
    [{ input: [{ role: 'x', content: 'a' }] }, 'input[0].role', 'invalid_request'],
    [{ input: [{ type: 'item_reference', id: 'a' }] }, 'input[0]', 'unsupported_value'],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image' }] }] },
      'input[0].content[0]',
      'unsupported_value',
    ],
    [{ conversation: 5 }, 'conversation', 'invalid_request'],
    [{ text: { format: { type: 'yaml' } } }, 'text.format', 'unsupported_value'],
    [{ text: { format: { type: 'json_object' } }, stop: 'a' }, 'stop', 'invalid_request'],
    [{ reasoning: { effort: 'enormous' } }, 'reasoning.effort', 'invalid_request'],
    [{ reasoning: { mode: 'pro' } }, 'reasoning.mode', 'invalid_request'],
    [{ include: ['x'] }, 'include', 'unsupported_value'],
    [{ metadata: { a: 1 } }, 'metadata', 'invalid_request'],
    [{ tool_choice: 'required' }, 'tool_choice', 'invalid_request'],
    [{ tool_choice: { type: 'file_search' } }, 'tool_choice', 'unsupported_value'],
  ]
  for (const [extra, param, code] of cases) {
    it(JSON.stringify(extra), async () => {
      const response = await post(fakeLanes(), '/v1/responses', ask(extra))
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { param, code } })
    })
  }
})
