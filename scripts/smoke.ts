// `npm run smoke -- URL [--key K]`: asks a running worker, deployed or local, what a user would, a line for each check.
// About fifteen requests and some hundred tokens; it changes nothing. Run it against your own workers alone.

import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { SmokeClient, SmokeError, type Answer } from './smoke-client.ts'

const USAGE = `npm run smoke -- URL [--key K] [--timeout SECONDS]
  URL         where the worker answers, such as http://localhost:8787 or https://islet.example.workers.dev
  --key       an API key; better in the environment: ISLET_KEY
  --timeout   how long the first GET /health 200 may take, and each request after it (180)`

/** Between two looks at /health. */
const POLL_MS = 1000

const QUESTION = { role: 'user', content: 'Name three colours of the rainbow.' }
const ANSWER_TOKENS = 24

type Check = { name: string; run: () => Promise<string> }

function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new SmokeError(otherwise)
}

/** The checks in their order; later ones use what earlier ones learned. */
function checksOf(client: SmokeClient, key: string | undefined, limitMs: number): Check[] {
  let model = ''
  let answer = ''
  let promptTokens = 0
  let firstCached = 0
  const chat = (messages: object[]): object => ({
    model,
    messages,
    temperature: 0,
    max_tokens: ANSWER_TOKENS,
    ignore_eos: true,
  })
  // A wrong key is refused only where keys are set; without them localhost takes any.
  const wrongKey = {
    name: 'a wrong key is refused (401)',
    run: async () =>
      refused(await client.ask('/v1/models', undefined, { key: `${key}x` }), 401, 'invalid_api_key'),
  }

  return [
    { name: 'GET /health becomes 200', run: async () => await healthy(client, limitMs) },
    {
      name: 'GET /v1/models lists a model',
      async run() {
        const { status, body } = await client.ask('/v1/models')
        const first = (body['data'] as { id?: unknown }[] | undefined)?.[0]?.id
        expect(status === 200 && typeof first === 'string', `status ${status}: ${brief(body)}`)
        model = first
        return model
      },
    },
    {
      name: 'GET /v1/models/:id in capitals',
      async run() {
        const { status, body } = await client.ask(`/v1/models/${encodeURIComponent(model.toUpperCase())}`)
        expect(status === 200 && body['id'] === model, `status ${status}: ${brief(body)}`)
        return ''
      },
    },
    {
      name: 'a streamed chat',
      async run() {
        const { text, finishReason, usage, islet, chunks, firstTextMs } = await client.stream(
          chat([QUESTION]),
        )
        expect(text !== '' && chunks > 1, `${chunks} chunks of text`)
        expect(
          finishReason === 'length',
          `finish_reason ${finishReason}, ${ANSWER_TOKENS} tokens were asked for`,
        )
        expect(usage?.['completion_tokens'] === ANSWER_TOKENS, `usage ${JSON.stringify(usage)}`)
        expect(islet !== undefined && 'window' in islet, 'the last chunk has no islet report')
        answer = text
        promptTokens = Number(usage['prompt_tokens'])
        firstCached = cachedTokens({ usage })
        return `first text after ${Math.round(firstTextMs ?? 0)} ms, ${windowText(islet)}`
      },
    },
    {
      name: 'a second turn reuses the first',
      async run() {
        const history = [
          QUESTION,
          { role: 'assistant', content: answer },
          { role: 'user', content: 'Name two more.' },
        ]
        const { status, body } = await client.ask('/v1/chat/completions', chat(history))
        expect(status === 200, `status ${status}: ${brief(body)}`)
        const cached = cachedTokens(body)
        // Of the first turn too some may be cached: the prefix that the model brings.
        const first = `the first turn had ${promptTokens} tokens of prompt, ${firstCached} of them cached`
        expect(cached > firstCached, `cached_tokens is ${cached}; ${first}`)
        return `${cached} cached tokens`
      },
    },
    {
      name: 'streamed or not: the same logits',
      async run() {
        const headers = { 'x-islet-hash-logits': '1' }
        const streamed = await client.stream(chat([QUESTION]), headers)
        const { body } = await client.ask('/v1/chat/completions', chat([QUESTION]), { headers })
        const hashes = [streamed.islet, body['islet'] as Record<string, unknown> | undefined].map(
          (report) => report?.['logits_sha256'],
        )
        expect(typeof hashes[0] === 'string' && hashes[0] === hashes[1], `hashes ${hashes.join(' and ')}`)
        expect(streamed.text === answer, 'the answer to the same question changed')
        return String(hashes[0]).slice(0, 12)
      },
    },
    {
      name: 'a text completion',
      async run() {
        const { status, body } = await client.ask('/v1/completions', {
          model,
          prompt: 'Once upon a time',
          max_tokens: 8,
          seed: 1,
        })
        const text = (body['choices'] as { text?: unknown }[] | undefined)?.[0]?.text
        expect(status === 200 && typeof text === 'string', `status ${status}: ${brief(body)}`)
        return ''
      },
    },
    ...(key === undefined ? [] : [wrongKey]),
    {
      name: 'a body that is not JSON (400)',
      run: async () => refused(await client.ask('/v1/chat/completions', '{"model":'), 400, 'invalid_request'),
    },
    {
      name: 'an unknown parameter (400)',
      run: async () =>
        refused(
          await client.ask('/v1/chat/completions', { ...chat([QUESTION]), temprature: 1 }),
          400,
          'unknown_parameter',
          'temprature',
        ),
    },
    {
      name: 'an unknown model (404)',
      run: async () =>
        refused(
          await client.ask('/v1/chat/completions', { ...chat([QUESTION]), model: 'no-such-model' }),
          404,
          'model_not_found',
          'model',
        ),
    },
    {
      name: 'an unknown path (404)',
      run: async () => refused(await client.ask('/v1/nothing'), 404, 'not_found'),
    },
    {
      name: 'a wrong method (405)',
      run: async () => refused(await client.ask('/v1/chat/completions'), 405, 'method_not_allowed'),
    },
    {
      name: 'weights are not public (404)',
      run: async () => refused(await client.ask(`/models/${model}/manifest.json`), 404, 'not_found'),
    },
  ]
}

async function healthy(client: SmokeClient, limitMs: number): Promise<string> {
  const deadline = performance.now() + limitMs
  let last = 'no answer'
  for (;;) {
    try {
      const { status, body } = await client.ask('/health')
      if (status === 200) return windowText(body)
      last = `status ${status}: ${brief(body)}`
      // Waiting helps a worker that loads, and nobody else.
      if (status !== 503 || body['state'] === 'failed') throw new SmokeError(last)
    } catch (error) {
      if (error instanceof SmokeError) throw error
      last = reason(error)
    }
    if (performance.now() + POLL_MS > deadline)
      throw new SmokeError(`not ready after ${limitMs / 1000} s: ${last}`)
    await sleep(POLL_MS)
  }
}

function refused({ status, body }: Answer, wanted: number, code: string, param?: string): string {
  const error = (body['error'] ?? {}) as Record<string, unknown>
  const good = status === wanted && error['code'] === code && typeof error['message'] === 'string'
  expect(good && (param === undefined || error['param'] === param), `status ${status}: ${brief(body)}`)
  return ''
}

function cachedTokens(body: Record<string, unknown>): number {
  const usage = body['usage'] as { prompt_tokens_details?: { cached_tokens?: number } } | undefined
  return usage?.prompt_tokens_details?.cached_tokens ?? 0
}

function windowText(report: Record<string, unknown>): string {
  return typeof report['window'] === 'number' ? `window ${report['window']}` : 'full attention'
}

function brief(body: object): string {
  return JSON.stringify(body).slice(0, 300)
}

function reason(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message} (${cause.message})` : message
}

/** Runs all checks against `url`, printing a line each; the number that failed. Stops when the worker never gets healthy. */
export async function smoke(
  url: string,
  key: string | undefined,
  limitMs: number,
  print: (line: string) => void,
): Promise<number> {
  const checks = checksOf(new SmokeClient(url.replace(/\/+$/, ''), key, limitMs), key, limitMs)
  let failed = 0
  let passed = 0
  for (const [index, { name, run }] of checks.entries()) {
    const started = performance.now()
    const time = (): string => `${Math.round(performance.now() - started)} ms`.padStart(9)
    try {
      const detail = await run()
      passed += 1
      print(`ok   ${time()}  ${name}${detail === '' ? '' : `: ${detail}`}`)
    } catch (error) {
      failed += 1
      print(`FAIL ${time()}  ${name}: ${reason(error)}`)
      // Without health or a model's name nothing else means anything.
      if (index < 2) break
    }
  }
  print(`${passed} passed, ${failed} failed`)
  return failed
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { key: { type: 'string' }, timeout: { type: 'string', default: '180' } },
  })
  const url = URL.parse(positionals[0] ?? '')
  const seconds = Number(values.timeout)
  if (positionals.length !== 1 || url === null || !/^https?:$/.test(url.protocol) || !(seconds > 0)) {
    process.stderr.write(`usage: ${USAGE}\n`)
    return 2
  }
  const key = values.key ?? process.env['ISLET_KEY']
  return (await smoke(url.href, key === '' ? undefined : key, seconds * 1000, (line) =>
    process.stdout.write(`${line}\n`),
  )) === 0
    ? 0
    : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`islet: ${reason(error)}\nusage: ${USAGE}\n`)
    process.exitCode = 2
  }
}
