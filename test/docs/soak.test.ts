// The parts of the soak run: what it asks, how it hears answers in pieces, what it counts as wrong, and when memory has grown.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { hear, Left, nothingHeard, type Refused } from '../../soak/client.ts'
import { COUNTS, Counts, leastOf, shortfalls, type CountName } from '../../soak/counts.ts'
import { judge, LEAST_SAMPLES, type Sample } from '../../soak/memory.ts'
import { choices, follow, newConversation, nextTurn, type Conversation } from '../../soak/plan.ts'
import { SoakRun } from '../../soak/run.ts'
import { countsTable, memoryLine, soakBlocks, type SoakResults } from '../../soak/tables.ts'
import { obtain } from '../../soak/turn.ts'
import type { SoakTarget } from '../../soak/worker.ts'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

type Listener = (path: string, body: string, response: ServerResponse, request: IncomingMessage) => void

async function serve(listener: Listener): Promise<SoakTarget> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data: Buffer) => (body += data.toString()))
    request.on('end', () => listener(request.url ?? '', body, response, request))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  cleanups.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, life: 0, up: () => Promise.resolve() }
}

const SESSION = { 'content-type': 'text/event-stream', 'x-islet-session': 'sess_0_a' }
const piece = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
const LAST = `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'length' }], islet: { logits_sha256: 'f0' } })}\n\n`
const DONE = 'data: [DONE]\n\n'

function whole(response: ServerResponse, content: string): void {
  const choices = [{ message: { content }, finish_reason: 'length' }]
  response.writeHead(200, { 'content-type': 'application/json', 'x-islet-session': 'sess_0_a' })
  response.end(
    JSON.stringify({
      object: 'chat.completion',
      choices,
      islet: { session: 'sess_0_a', logits_sha256: 'f0' },
    }),
  )
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ error: { code, message: code } }))
}

/** Neither leaves nor takes chances. */
const STEADY = { ...choices(0, 0), chance: () => false, below: () => 0 }

const TURN = {
  path: '/v1/chat/completions',
  body: '{"stream":true}',
  stream: true,
  background: false,
  isPenalised: false,
  headers: {},
  twin: { path: '/v1/chat/completions', body: '{"store":false}' },
  said: 'hello',
}

describe('what is asked', () => {
  const talk = (seed: number): string[] => {
    const choose = choices(seed, 0)
    const conversation = newConversation(7, 'a', choose)
    return Array.from({ length: 4 }, () => {
      const turn = nextTurn('tiny', conversation, choose)
      follow(conversation, turn, { text: ' and so on', session: 'sess_0_a', response: 'resp_a' })
      return turn.path + turn.body
    })
  }

  it('is the same for the same seed, and another for another', () => {
    expect(talk(3)).toEqual(talk(3))
    expect(talk(3)).not.toEqual(talk(4))
  })

  it('has a twin that brings the whole conversation and keeps nothing', () => {
    const conversation: Conversation = {
      number: 1,
      isHeavy: false,
      tenant: 'a',
      style: 'response',
      messages: [],
      text: '',
      turns: 0,
    }
    follow(conversation, { ...TURN, said: 'one' }, { text: 'two', response: 'resp_a' })
    const { body, twin } = nextTurn('tiny', conversation, choices(1, 1))
    const asked = JSON.parse(body) as Record<string, unknown>
    const alone = JSON.parse(twin.body) as {
      store: boolean
      messages: { content: string }[]
      max_tokens: number
    }
    expect(asked['previous_response_id']).toBe('resp_a')
    expect(asked['input']).toEqual(alone.messages.slice(-1))
    expect(alone.messages.slice(0, 2).map(({ content }) => content)).toEqual(['one', 'two'])
    expect(alone.store).toBe(false)
    expect(alone.max_tokens).toBe(asked['max_output_tokens'])
  })
})

describe('what is heard', () => {
  it('counts the frames that were heard before leaving', async () => {
    const { url } = await serve((_, __, response) => {
      response.writeHead(200, SESSION).write(':\n\n' + piece('a') + piece('b') + piece('c'))
    })
    const heard = nothingHeard()
    const ask = { path: '/', key: 'k', leaveAfterFrames: 2 }
    await expect(hear(url, ask, heard)).rejects.toThrow(Left)
    expect(heard).toMatchObject({ text: 'ab', frames: 2, session: 'sess_0_a', done: false })
  })

  it('keeps errors apart from frames, and other statuses from answers', async () => {
    const { url } = await serve((path, _, response) => {
      if (path === '/full') return refuse(response, 429, 'overloaded')
      response
        .writeHead(200, SESSION)
        .end(`${piece('a')}data: {"error":{"code":"conflict","message":"no"}}\n\n`)
    })
    const heard = nothingHeard()
    await hear(url, { path: '/', key: 'k' }, heard)
    expect(heard).toMatchObject({ frames: 1, done: false, error: { code: 'conflict' } })
    const refused = hear(url, { path: '/full', key: 'k' }, nothingHeard())
    await expect(refused).rejects.toMatchObject({
      status: 429,
      code: 'overloaded',
    } satisfies Partial<Refused>)
  })

  it('takes a response whose end is not what was streamed for torn', async () => {
    const response = {
      id: 'resp_a',
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', content: [{ text: 'ab' }] }],
    }
    const frames = (delta: string): string =>
      [
        { type: 'response.output_text.delta', sequence_number: 4, delta },
        { type: 'response.completed', sequence_number: 5, response },
      ]
        .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
        .join('')
    const { url } = await serve(
      (path, _, answer) => void answer.writeHead(200, SESSION).end(frames(path.slice(1))),
    )
    const [good, torn] = [nothingHeard(), nothingHeard()]
    await hear(url, { path: '/ab', key: 'k' }, good)
    expect(good).toMatchObject({ text: 'ab', done: true, finish: 'stop', sequence: 5, response: 'resp_a' })
    expect(good.error).toBeUndefined()
    await hear(url, { path: '/a', key: 'k' }, torn)
    expect(torn.error?.code).toBe('torn')
  })
})

describe('one turn', () => {
  it('reads on behind the frames that it has', async () => {
    const asked: string[] = []
    const target = await serve((path, _, response) => {
      asked.push(path)
      response.writeHead(200, SESSION)
      if (asked.length > 1) response.end(piece('b') + LAST + DONE)
      else response.end(`${piece('a')}data: {"error":{"code":"conflict","message":"no"}}\n\n`)
    })
    const counts = new Counts(() => undefined)
    // The first choice is whether to leave, the next whether to read on.
    let taken = 0
    const answer = await obtain(target, counts, TURN, 'k', { ...STEADY, chance: () => ++taken === 2 })
    expect(asked).toEqual(['/v1/chat/completions', '/v1/sessions/sess_0_a/stream?after=1'])
    expect(answer).toMatchObject({ disturbed: true, heard: { text: 'ab', hash: 'f0', frames: 4 } })
    expect(counts.of).toMatchObject({ readOn: 1, broken: 1 })
  })

  it('waits where the lane is full, and sends the same again with its count', async () => {
    const tries: unknown[] = []
    const target = await serve((_, __, response, request) => {
      tries.push(request.headers['x-stainless-retry-count'])
      if (tries.length === 1) return refuse(response, 429, 'overloaded')
      response.writeHead(200, SESSION).end(piece('a') + LAST + DONE)
    })
    const counts = new Counts(() => undefined)
    const answer = await obtain(target, counts, TURN, 'k', STEADY)
    expect(answer).toMatchObject({ heard: { text: 'a', finish: 'length' } })
    expect(tries).toEqual([undefined, '1'])
    expect(counts.of).toMatchObject({ refused: 1, retried: 1, broken: 0 })
    expect(counts.failed).toBe(false)
  })

  it('lays what breaks at the door of a kill only if there was one', async () => {
    let life = 0
    let kills = true
    const target = await serve((_, __, response) => {
      if (kills) life += 1
      response.destroy()
    })
    const counts = new Counts((line) => {
      if (line.startsWith('broken')) expect(kills).toBe(false)
    })
    const living = {
      ...target,
      get life() {
        kills = counts.of.cut < 3
        return life
      },
    }
    expect(await obtain(living, counts, TURN, 'k', STEADY)).toBe('lost')
    expect(counts.of).toMatchObject({ cut: 3, broken: 5, lost: 1 })
    expect(counts.failed).toBe(true)
  })
})

describe('a run', () => {
  const settings = { model: 'tiny', seed: 1, sessions: 1, tenants: ['a', 'b'], checkOneIn: 1 }

  it('blames an answer that differs from the undisturbed one', async () => {
    let twins = 'same'
    const target = await serve((path, body, response) => {
      const { stream, store } = JSON.parse(body || '{}') as { stream?: boolean; store?: boolean }
      if (store === false && path === '/v1/completions') {
        response.writeHead(200, { 'content-type': 'application/json' })
        const choices = [{ text: twins, finish_reason: 'length' }]
        return void response.end(JSON.stringify({ choices, islet: { logits_sha256: 'f0' } }))
      }
      if (store === false) return whole(response, twins)
      if (path === '/v1/responses' || !path.endsWith('completions')) return refuse(response, 404, 'not_found')
      if (stream !== true) return whole(response, 'same')
      response.writeHead(200, SESSION).end(piece('same') + LAST + DONE)
    })
    // All that it tells, in any number: how often a client leaves, and what its seed chooses then, depends on time.
    const told: string[] = []
    const counts = new Counts((line) => void told.push(line))
    const run = new SoakRun(target, settings, counts)
    while (counts.of.checked < 3) await run.turn()
    expect(told.filter((line) => line.includes('undisturbed'))).toEqual([])
    const { wrong } = counts.of
    twins = 'other'
    while (counts.of.checked < 6) await run.turn()
    const blamed = told.filter((line) => line.startsWith('wrong') && line.includes('undisturbed'))
    expect(blamed).toEqual([1, 2, 3].map(() => expect.stringContaining('"other"')))
    expect(counts.of.wrong).toBeGreaterThanOrEqual(wrong + 3)
  })
})

describe('least numbers', () => {
  const counts = (value: number) =>
    Object.fromEntries(Object.keys(COUNTS).map((name) => [name, value])) as Record<CountName, number>

  it('grow with the minutes, and name what is missing', () => {
    const least = leastOf(60, 8, true)
    expect(least).toMatchObject({ kills: 56, evicted: 2, checked: 1200, penalised: 300, samples: 480 })
    expect(shortfalls(least, counts(1e6), 1e6)).toEqual([])
    expect(shortfalls(least, { ...counts(1e6), kills: 3 }, 479)).toEqual([
      `3 of at least 56: ${COUNTS.kills}`,
      '479 of at least 480: samples of memory',
    ])
  })

  it('ask no kills of a run without them', () => {
    expect(leastOf(3, 0, true)).not.toHaveProperty('kills')
    expect(leastOf(3, 8, false)).not.toHaveProperty('samples')
    expect(leastOf(3, 8, false)).toMatchObject({ checked: 60, light: 60 })
  })
})

describe('tenants that compete', () => {
  it('are one that asks for much with half of the clients, and the others', async () => {
    const asked = new Map<string, number>()
    const target = await serve((_, body, response, request) => {
      type Asked = { max_tokens?: number; max_output_tokens?: number; stream?: boolean; input?: unknown }
      const { max_tokens, max_output_tokens, stream, input } = JSON.parse(body || '{}') as Asked
      const most = max_tokens ?? max_output_tokens ?? 0
      const key = String(request.headers.authorization)
      asked.set(key, Math.max(asked.get(key) ?? 0, most))
      if (input !== undefined || most === 0) return refuse(response, 404, 'not_found')
      if (stream !== true) return whole(response, 'same')
      response.writeHead(200, SESSION).end(piece('same') + LAST + DONE)
    })
    const settings = { model: 'tiny', seed: 1, sessions: 4, tenants: ['heavy', 'b', 'c'], checkOneIn: 1e9 }
    const run = new SoakRun(target, settings, new Counts(() => undefined))
    for (let turn = 0; turn < 12; turn++) await run.turn(turn % 2 === 0)
    expect([...asked.keys()].sort()).toEqual(['Bearer b', 'Bearer c', 'Bearer heavy'])
    expect(asked.get('Bearer heavy')).toBeGreaterThan(40)
  })
})

describe('memory', () => {
  const samples = (heap: (index: number) => number): Sample[] =>
    Array.from({ length: 2 * LEAST_SAMPLES }, (_, i) => ({
      at: 2 * i,
      turns: 10 * i,
      heap: heap(i),
      linear: 5e6,
    }))

  it('may rise in the first tenth and swing after it', () => {
    const flat = judge(samples((i) => (i < 8 ? 1e6 * i : 8e6) + 1e5 * (i % 3)))
    expect(flat).toMatchObject({ grew: false, seconds: 142, turns: 710 })
    expect(Math.abs(flat?.rise ?? Infinity)).toBeLessThan(1e5)
  })

  it('has grown by a slow slope or a late jump', () => {
    const rising = judge(samples((i) => 8e6 + 5e4 * i))
    expect(rising?.rise).toBeCloseTo(71 * 5e4, -1)
    expect(rising?.grew).toBe(true)
    expect(judge(samples((i) => (i === 79 ? 12e6 : 8e6)))?.grew).toBe(true)
  })

  it('says nothing of few samples', () => {
    expect(judge(samples(() => 1).slice(0, LEAST_SAMPLES - 1))).toBeUndefined()
  })
})

describe('tables', () => {
  it('name each count, and how to measure what is not there', () => {
    const counts = new Counts(() => undefined)
    counts.add('asked')
    const results: SoakResults = {
      settings: {} as SoakResults['settings'],
      seconds: 1,
      counts: counts.of,
      stories: [],
      memory: { verdict: undefined, samples: [] },
    }
    expect(countsTable(results)).toContain('| turns that clients began | 1 |')
    expect(countsTable(results).match(/must be 0/g)).toHaveLength(4)
    expect(memoryLine(results)).toContain('say nothing')
    expect(soakBlocks('/nowhere').every(([, text]) => text.includes('npm run soak'))).toBe(true)
  })
})
