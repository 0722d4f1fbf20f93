// `npm run fair`: what one tenant's load does to another's first token, and the speed of a tenant that is alone.
// Each load has a fresh worker with two keys. B asks again and again while A does its worst, beside one ordinary stream of A's.
// ISLET_BENCH_MODEL chooses the model; a machine that does other things too gives no figures worth keeping.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createParser } from 'eventsource-parser'
import { MODEL, prepareModel } from './lib/model.ts'
import { FAIR_GOALS as GOALS, type FairResult, type FairResults } from './lib/fair-result.ts'
import { describeMachine, median, printTable } from './lib/results.ts'
import { BenchError, ROOT } from './lib/setup.ts'
import { startIslet, untilHealthy, type Worker } from './lib/worker.ts'

const [A, B] = ['fair-key-of-a', 'fair-key-of-b']
const HASHES = [A, B].map((key) => createHash('sha256').update(key).digest('hex')).join(',')
const RESULTS = `${ROOT}/docs/results/fair.json`
/** Between two of B's requests, milliseconds. */
const PAUSE_MS = 500

const USAGE = `npm run fair -- [--tries N] [--load NAME]...
  --tries N    requests of B beside each load (50)
  --load NAME  only: ${'endless, prompts, unread, background, bodies, all'} (may be given several times)
  --alone      only A's own speed, with nobody beside it
  --save       keeps the model's entry of docs/results/fair.json, for which all loads must have run; then npm run docs`

/** Starts what A does; it goes on until `signal` is aborted. */
type Load = (key: Key, signal: AbortSignal) => Promise<void>

/** A tenant's way to the worker. */
class Key {
  readonly #url: string
  readonly #key: string
  readonly #agent = new Agent({ keepAlive: true })
  #serial = 0

  constructor(worker: Worker, key: string) {
    this.#url = worker.url
    this.#key = key
  }

  /** Words that no other prompt begins with. */
  words(count: number): string {
    const serial = `${this.#key} ${++this.#serial} `
    return serial + Array.from({ length: count }, (_, i) => `word${(i * 7 + this.#serial) % 97}`).join(' ')
  }

  /** Seconds until each piece of text, the whole answer read. Throws BenchError unless it is one. */
  stream(body: Record<string, unknown>, signal?: AbortSignal): Promise<number[]> {
    const start = performance.now()
    const arrivals: number[] = []
    return new Promise((done, fail) => {
      let refused = ''
      const parser = createParser({
        onEvent: ({ data }) => {
          if (data === '[DONE]') return
          const { error, choices } = JSON.parse(data) as Chunk
          if (error !== undefined) refused = error.message
          if ((choices?.[0]?.text ?? '') !== '') arrivals.push((performance.now() - start) / 1000)
        },
      })
      const call = this.#post('/v1/completions', { stream: true, ...body }, signal, (response) => {
        response.setEncoding('utf8')
        response.on('data', (data: string) =>
          response.statusCode === 200 ? parser.feed(data) : (refused += data),
        )
        response.on('error', fail)
        response.on('end', () =>
          response.statusCode === 200 && refused === ''
            ? done(arrivals)
            : fail(new BenchError(`${response.statusCode}: ${refused.slice(0, 300)}`)),
        )
      })
      call.on('error', fail)
    })
  }

  /** Begins a stream and never reads it. */
  unread(body: Record<string, unknown>, signal: AbortSignal): void {
    const call = this.#post('/v1/completions', { stream: true, ...body }, signal, (response) =>
      response.pause(),
    )
    call.on('error', () => undefined)
  }

  /** The status of a request whose answer is of no interest. */
  post(path: string, body: Record<string, unknown>, signal: AbortSignal): Promise<number> {
    return new Promise((done) => {
      const call = this.#post(path, body, signal, (response) => {
        response.resume()
        response.on('close', () => done(response.statusCode ?? 0))
      })
      call.on('error', () => done(0))
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  #post(
    path: string,
    body: Record<string, unknown>,
    signal: AbortSignal | undefined,
    onResponse: (response: IncomingMessage) => void,
  ): ReturnType<typeof httpRequest> {
    const bytes = Buffer.from(JSON.stringify({ model: MODEL, temperature: 0, ignore_eos: true, ...body }))
    const call = httpRequest(
      `${this.#url}${path}`,
      {
        method: 'POST',
        agent: this.#agent,
        headers: {
          'content-type': 'application/json',
          'content-length': bytes.length,
          authorization: `Bearer ${this.#key}`,
        },
        ...(signal !== undefined && { signal }),
      },
      (response) => {
        // Whoever wants to know listens too.
        response.on('error', () => undefined)
        onResponse(response)
      },
    )
    call.on('error', () => undefined)
    call.end(bytes)
    return call
  }
}

type Chunk = { error?: { message: string }; choices?: { text?: string }[] }

/** Does it again and again; what fails is tried again a little later. */
async function again(signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    try {
      await act()
    } catch {
      await sleep(50)
    }
  }
}

const ordinary: Load = (key, signal) =>
  again(signal, () => key.stream({ prompt: key.words(60), max_tokens: 400 }, signal))

const loads: Record<string, Load> = {
  endless: (key, signal) =>
    again(signal, () => key.stream({ prompt: key.words(450), max_tokens: 100_000, store: false }, signal)),
  prompts: async (key, signal) => {
    const one = () => again(signal, () => key.stream({ prompt: key.words(1500), max_tokens: 1 }, signal))
    await Promise.all([one(), one(), one(), one()])
  },
  unread: async (key, signal) => {
    for (let i = 0; i < 64; i++) key.unread({ prompt: key.words(10), max_tokens: 100_000 }, signal)
    await again(signal, () => sleep(200))
  },
  background: async (key, signal) => {
    const statuses: number[] = []
    for (let i = 0; i < 200 && !signal.aborted; i++) {
      const body = { input: key.words(30), background: true, store: true, max_output_tokens: 64 }
      statuses.push(await key.post('/v1/responses', body, signal))
    }
    await again(signal, () => sleep(200))
  },
  bodies: (key, signal) => {
    const prompt = 'word '.repeat(1_600_000)
    return again(signal, () => key.post('/v1/completions', { prompt, max_tokens: 1 }, signal))
  },
  all: async (key, signal) => {
    const others = ['endless', 'prompts', 'unread', 'background', 'bodies']
    await Promise.all(others.map((name) => loads[name](key, signal)))
  },
}

/** Seconds until B's first token, for each of its requests, beside A's load. */
async function waitsBeside(load: Load, tries: number): Promise<number[]> {
  const worker = await startIslet({ API_KEYS: HASHES })
  const [a, b] = [new Key(worker, A), new Key(worker, B)]
  const over = new AbortController()
  try {
    await untilHealthy(worker)
    const running = load(a, over.signal)
    await sleep(3000)
    const waits: number[] = []
    for (let i = 0; i < tries; i++) {
      const [first] = await b.stream({ prompt: b.words(12), max_tokens: 8 })
      waits.push(first)
      await sleep(PAUSE_MS)
    }
    over.abort()
    await running
    return waits
  } finally {
    over.abort()
    a.close()
    b.close()
    await worker.stop()
  }
}

/** Tokens a second of a tenant that is alone: of one stream, and of four together. */
async function alone(): Promise<number[]> {
  const worker = await startIslet({ API_KEYS: HASHES })
  const key = new Key(worker, A)
  try {
    await untilHealthy(worker)
    const speed = async (streams: number): Promise<number> => {
      const start = performance.now()
      const ask = () => key.stream({ prompt: key.words(60), max_tokens: 128 })
      await Promise.all(Array.from({ length: streams }, ask))
      return (streams * 128) / ((performance.now() - start) / 1000)
    }
    await speed(1)
    return [await speed(1), await speed(4)]
  } finally {
    key.close()
    await worker.stop()
  }
}

/** Keeps the model's entry, and those of other models as they are. */
function save(result: FairResult): void {
  const kept = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as FairResults) : {}
  writeFileSync(RESULTS, `${JSON.stringify({ ...kept, [MODEL]: result }, undefined, 2)}\n`)
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      tries: { type: 'string', default: '50' },
      load: { type: 'string', multiple: true, default: Object.keys(loads) },
      alone: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(USAGE)
  const tries = Number(values.tries)
  if (!Number.isInteger(tries) || tries < 1) throw new BenchError('--tries is a whole number')
  if (values.save && (values.alone || Object.keys(loads).some((name) => !values.load.includes(name))))
    throw new BenchError('--save keeps all loads: leave --load and --alone out')
  const machine = await describeMachine()
  prepareModel()
  const [one, four] = await alone()
  console.log(`${MODEL}, A alone: ${one.toFixed(1)} tokens/s of one stream, ${four.toFixed(1)} of four`)
  if (values.alone) return
  const beside = await waitsBeside(ordinary, tries)
  const usual = median(beside)
  console.log(`B beside one ordinary stream: ${Math.round(usual * 1000)} ms to its first token`)
  const rows: string[][] = []
  const result: FairResult = {
    machine,
    tries,
    alone: { one, four },
    ordinary: { median: usual, worst: Math.max(...beside) },
    loads: {},
  }
  let isMissed = false
  for (const name of values.load) {
    const load = loads[name]
    if (load === undefined) throw new BenchError(`there is no load "${name}"\n${USAGE}`)
    const waits = await waitsBeside(load, tries)
    const [middle, worst] = [median(waits) / usual, Math.max(...waits) / usual]
    result.loads[name] = { median: median(waits), worst: Math.max(...waits) }
    isMissed ||= middle > GOALS.median || worst > GOALS.worst
    rows.push([
      name,
      ...[median(waits), Math.max(...waits)].map((s) => `${Math.round(s * 1000)}`),
      middle.toFixed(1),
      worst.toFixed(1),
    ])
  }
  printTable(
    ['load of A', 'median ms', 'worst ms', `median x (${GOALS.median})`, `worst x (${GOALS.worst})`],
    rows,
  )
  if (values.save) save(result)
  if (isMissed) process.exitCode = 1
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof BenchError)) throw error
  console.error(error.message)
  process.exitCode = 2
})
