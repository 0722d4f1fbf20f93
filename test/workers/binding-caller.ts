// A Worker that binds Islet as a service, as its users have it: the AI SDK, and calls of its own.

import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai'
import { createWorkersAI } from 'workers-ai-provider'
import { workersAI } from '../../src/binding/client.ts'
import type { Binding } from '../../src/binding/binding.ts'
import type { RunOptions } from '../../src/binding/types.ts'

type Env = { ISLET: Binding; OPENAI: Binding; OTHER: Binding; HTTP: Fetcher; MODEL: string }

/** What a scenario is asked with, and what it is told to do. */
type Ask = { model: string; prompt: string; tokens: number }

const asIs = (binding: Binding): Ai => binding as unknown as Ai

const weather = tool({
  description: 'The weather of a city',
  inputSchema: jsonSchema<{ city: string }>({
    type: 'object',
    properties: { city: { type: 'string', maxLength: 12 } },
    required: ['city'],
    additionalProperties: false,
  }),
  execute: ({ city }) => `rain in ${city}`,
})

const OBJECT = jsonSchema<{ kind: string; urgent: boolean }>({
  type: 'object',
  properties: { kind: { enum: ['bill', 'spam'] }, urgent: { type: 'boolean' } },
  required: ['kind', 'urgent'],
  additionalProperties: false,
})

type Told = Pick<Awaited<ReturnType<typeof generateText>>, 'text' | 'finishReason' | 'usage'> & {
  steps: readonly {
    toolCalls: readonly { toolName: string; input: unknown }[]
    toolResults: readonly { output: unknown }[]
  }[]
}

/** What of a result the tests look at. */
function told(result: Told) {
  const { text, finishReason, usage, steps } = result
  const calls = steps.flatMap(({ toolCalls }) =>
    toolCalls.map(({ toolName, input }) => ({ toolName, input })),
  )
  const results = steps.flatMap(({ toolResults }) => toolResults.map(({ output }) => output))
  return {
    text,
    finishReason,
    usage: usage.outputTokens,
    prompt: usage.inputTokens,
    calls,
    results,
    steps: steps.length,
  }
}

/** Notes what the provider gives to `run`, on its way. */
function noting(binding: Ai, seen: unknown[]): Ai {
  const run = (...given: unknown[]): unknown => {
    const [model, inputs, options] = given
    seen.push({
      model,
      inputs,
      options: Object.entries(options as object).map(([name, value]) => [name, typeof value]),
    })
    return (binding as unknown as { run: (...given: unknown[]) => unknown }).run(...given)
  }
  return { run } as unknown as Ai
}

/** A comment of a stream. */
const SIGN_OF_LIFE = ':\n\n'.length

/** Tells of the signs of life of answers on their way, one a token. RPC may join several to a piece. */
function watched(binding: Binding, onSigns: (count: number) => void): object {
  const run = async (...given: Parameters<Binding['run']>): Promise<unknown> => {
    const stream = (await binding.run(...given)) as ReadableStream<Uint8Array>
    return stream.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, controller) {
          onSigns(piece.byteLength / SIGN_OF_LIFE)
          controller.enqueue(piece)
        },
      }),
    )
  }
  return { run }
}

const SCENARIOS: Record<string, (env: Env, ask: Ask) => Promise<unknown>> = {
  async whole({ ISLET }, { model, prompt, tokens: maxOutputTokens }) {
    const seen: unknown[] = []
    const provider = createWorkersAI({ binding: noting(asIs(ISLET), seen) })
    const settings = { seed: 7, top_k: 5, sessionAffinity: 'whole' }
    const result = await generateText({
      model: provider(model, settings),
      prompt,
      maxOutputTokens,
      temperature: 0,
    })
    return { ...told(result), seen }
  },

  async streamed({ ISLET, OPENAI }, { model, prompt, tokens: maxOutputTokens }) {
    const all = [ISLET, OPENAI].map(async (binding) => {
      const seen: unknown[] = []
      const provider = createWorkersAI({ binding: noting(asIs(binding), seen) })
      const { textStream, finishReason, usage } = streamText({ model: provider(model), prompt, maxOutputTokens, temperature: 0 }) // prettier-ignore
      const deltas: string[] = []
      for await (const delta of textStream) deltas.push(delta)
      return { deltas, finishReason: await finishReason, usage: await usage, seen }
    })
    return Promise.all(all)
  },

  async tools({ ISLET }, { model, prompt, tokens: maxOutputTokens }) {
    const provider = createWorkersAI({ binding: asIs(ISLET) })
    const asked = { model: provider(model), prompt, maxOutputTokens, tools: { weather } }
    const forced = { type: 'tool', toolName: 'weather' } as const
    const whole = await generateText({ ...asked, toolChoice: forced })
    const rounds = await generateText({
      ...asked,
      stopWhen: stepCountIs(2),
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? forced : 'none' }),
    })
    const streamed = streamText({ ...asked, toolChoice: 'required' })
    await streamed.consumeStream()
    return {
      whole: told(whole),
      rounds: told(rounds),
      streamed: (await streamed.toolCalls).map(({ toolName, input }) => ({ toolName, input })),
      reason: await streamed.finishReason,
    }
  },

  async objects({ ISLET }, { model, prompt }) {
    const provider = createWorkersAI({ binding: asIs(ISLET) })
    const output = Output.object({ schema: OBJECT, name: 'mail' })
    const { output: whole } = await generateText({ model: provider(model), prompt, output })
    const streamed = streamText({ model: provider(model), prompt, output })
    await streamed.consumeStream()
    return { whole, streamed: await streamed.output }
  },

  /** A signal on the binding as it is, which RPC does not carry. */
  async signal({ ISLET }, { model, prompt, tokens: maxOutputTokens }) {
    const provider = createWorkersAI({ binding: asIs(ISLET) })
    const abortSignal = new AbortController().signal
    try {
      await generateText({ model: provider(model), prompt, maxOutputTokens, abortSignal, maxRetries: 0 })
      return { cause: 'none' }
    } catch (error) {
      return { cause: String((error as Error).cause) }
    }
  },

  /** The same through islet/binding, to the end. */
  async signalled({ ISLET }, { model, prompt, tokens: maxOutputTokens }) {
    const provider = createWorkersAI({ binding: workersAI(ISLET) })
    const abortSignal = new AbortController().signal
    const asked = { model: provider(model), prompt, maxOutputTokens, temperature: 0, abortSignal }
    const { text } = await generateText(asked)
    const { textStream } = streamText(asked)
    let streamed = ''
    for await (const delta of textStream) streamed += delta
    return { text, streamed }
  },

  /** Leaves a stream behind its third delta; gives how many came, and what the session says then. */
  async abortStreamed({ ISLET }, { model, prompt, tokens: maxOutputTokens }) {
    const provider = createWorkersAI({ binding: workersAI(ISLET) })
    const leaving = new AbortController()
    const { fullStream } = streamText({
      model: provider(model, { ignore_eos: true }),
      prompt,
      maxOutputTokens,
      abortSignal: leaving.signal,
    })
    let came = 0
    const parts: string[] = []
    for await (const part of fullStream) {
      parts.push(part.type)
      if (part.type === 'text-delta' && ++came === 3) leaving.abort()
    }
    return { came, last: parts.at(-1), session: await settled(ISLET) }
  },

  /** Leaves a whole reply behind its twentieth token or so. */
  async abortWhole({ ISLET }, { model, prompt, tokens: maxOutputTokens }) {
    const leaving = new AbortController()
    let came = 0
    const binding = watched(ISLET, (count) => {
      if ((came += count) >= 20) leaving.abort()
    })
    const provider = createWorkersAI({ binding: workersAI(binding) })
    const settings = { ignore_eos: true }
    const asked = { model: provider(model, settings), prompt, maxOutputTokens, abortSignal: leaving.signal }
    return {
      last: await generateText(asked).catch((thrown: Error) => thrown.name),
      came,
      session: await settled(ISLET),
    }
  },

  /** Leaves one by a timer, which needs a turn of the host. */
  async abortTimed({ ISLET }, { model, prompt, tokens: maxOutputTokens }) {
    const provider = createWorkersAI({ binding: workersAI(ISLET) })
    const abortSignal = AbortSignal.timeout(300)
    const asked = { model: provider(model, { ignore_eos: true }), prompt, maxOutputTokens, abortSignal }
    return {
      last: await generateText(asked).catch((thrown: Error) => thrown.name),
      session: await settled(ISLET),
    }
  },

  async errors({ ISLET }, { model, prompt }) {
    const messageOf = async (call: () => unknown): Promise<unknown> => {
      try {
        return { answered: await call() }
      } catch (error) {
        const { name, message } = error as Error
        return { name, message }
      }
    }
    const run = (...given: unknown[]) =>
      messageOf(() => (ISLET.run as (...given: unknown[]) => unknown)(...given))
    const raw = await ISLET.run('nothing', { prompt }, { returnRawResponse: true })
    const provider = createWorkersAI({ binding: asIs(ISLET) })
    const failed: { statusCode?: number } = await generateText({ model: provider('nothing'), prompt }).then(
      () => ({}),
      (error: { statusCode?: number }) => error,
    )
    return {
      model: await run('nothing', { prompt }),
      streamed: await run('nothing', { prompt, stream: true }),
      input: await run(model, { prompt, temperature: 'hot' }),
      unknown: await run(model, { prompt, colour: 'red' }),
      long: await run(model, { prompt: 'word '.repeat(40_000) }),
      batch: await run(model, { requests: [{ prompt }] }, { queueRequest: true }),
      gateway: await messageOf(() => asIs(ISLET).gateway('mine')),
      markdown: await messageOf(() => asIs(ISLET).toMarkdown([])),
      session: await messageOf(() => ISLET.session('sess_0_nothing')),
      raw: { status: (raw as Response).status, body: await (raw as Response).json() },
      provider: failed.statusCode,
    }
  },

  /** What `run` and our own methods give, as it is. */
  async own({ ISLET, OTHER, OPENAI }, { model, prompt, tokens }) {
    const run = (inputs: object, options?: RunOptions) =>
      ISLET.run(model, { max_tokens: tokens, temperature: 0, ...inputs }, options)
    const read = async (stream: unknown) => new Response(stream as ReadableStream).text()
    const messages = [{ role: 'user', content: prompt }]
    const schema = { type: 'object', properties: { n: { type: 'integer', maximum: 9, minimum: 0 } }, required: ['n'], additionalProperties: false } // prettier-ignore
    const raw = (await run({ prompt }, { returnRawResponse: true })) as Response
    const whole = (await run({ prompt }, { extraHeaders: { 'x-session-affinity': 'mine' }, tags: ['a'] })) as { islet: { session: string } } // prettier-ignore
    const { session } = whole.islet
    const fork = await ISLET.fork(session)
    const listed = await ISLET.sessions({ limit: 2 })
    const foreign = await OTHER.session(session).catch((error: Error) => error.message)
    await ISLET.remove(fork.id)
    return {
      whole,
      raw: { type: raw.headers.get('content-type'), reply: await raw.json() },
      json: await run({ messages, response_format: { type: 'json_schema', json_schema: schema } }),
      native: await read(await run({ prompt, stream: true })),
      openai: await read(
        await OPENAI.run(model, { prompt, stream: true, max_tokens: tokens, temperature: 0 }),
      ),
      text: await run({ prompt, raw: true }),
      chat: await ISLET.chat({ messages, max_tokens: tokens, temperature: 0 }),
      stream: await read(await ISLET.stream({ messages, max_tokens: tokens, temperature: 0 })),
      extract: await ISLET.extract({ prompt, schema }),
      decide: await ISLET.decide({ input: prompt, questions: [{ type: 'predicate', instructions: 'It is a greeting.' }] }), // prettier-ignore
      models: await ISLET.models(),
      none: await ISLET.models({ search: 'llama-4' }),
      sessions: { session: await ISLET.session(session), fork, listed, foreign },
      left: await ISLET.session(fork.id).then(
        () => 'there',
        (error: Error) => error.message,
      ),
    }
  },

  /** Many at once, of which some find the queue full. */
  async crowd({ ISLET }, { model, prompt, tokens }) {
    const asked = Array.from({ length: 6 }, (_, index) =>
      ISLET.run(model, { prompt: `${prompt} ${index}`, max_tokens: tokens }).then(
        () => 'answered',
        (error: Error) => error.message,
      ),
    )
    return Promise.all(asked)
  },
}

/** The session used last, once nothing of it runs. */
async function settled(binding: Binding) {
  for (let tries = 0; tries < 100; tries++) {
    const { data } = await binding.sessions({ limit: 1 })
    if (data[0] !== undefined && data[0].state !== 'running') return data[0]
    await scheduler.wait(20)
  }
  throw new Error('it still runs')
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url)
    const scenario = SCENARIOS[pathname.slice(1)]
    if (scenario === undefined) return env.HTTP.fetch(request)
    try {
      return Response.json(await scenario(env, await request.json()))
    } catch (error) {
      return new Response(String((error as Error).stack), { status: 500 })
    }
  },
}
