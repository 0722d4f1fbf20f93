// The binding words calls of another Worker as requests of the inside app. Its errors are those of Workers AI.

import type { HonoBase } from 'hono/hono-base'
import type { ApiEnv, Entry } from '../api/context.ts'
import { runErrorBody } from '../api/dialects/workers-ai/errors.ts'
import { failureOf } from '../api/http/errors.ts'
import { checkTenant } from '../api/http/tenant.ts'
import { IsletError } from '../lib/errors.ts'
import type {
  ChatCompletion,
  ChatRequest,
  Decision,
  DecisionRequest,
  ExtractRequest,
  ListedModel,
  Props,
  RunInputs,
  RunOptions,
  RunOutput,
  Session,
  SessionList,
  Value,
} from './types.ts'

/** Options of Workers AI that there is nothing for: taken, and named in the reply's `islet.ignored`. */
export const WITHOUT_EFFECT = ['gateway', 'tags', 'prefix'] as const
/** Those that would give something else than an answer. */
export const REFUSED = ['queueRequest', 'websocket'] as const
/** Methods of the AI binding that nothing here stands behind. */
export const ABSENT = ['gateway', 'toMarkdown', 'websearch', 'aiSearch', 'autorag'] as const

/** The tenant of a binding that names none. */
const USUAL_TENANT = 'binding'

type Asked = { path: string; body?: object; method?: 'GET' | 'POST' | 'DELETE' }

/** What one caller may ask. Everything that it throws has a code of Workers AI in front of its message. */
export class Binding {
  readonly #app: HonoBase<ApiEnv>
  readonly #entry: Entry
  readonly #form: Props['stream']

  /** Throws an Error for `props` that name no tenant or stream: a mistake of the deployment, not of a caller. */
  constructor(app: HonoBase<ApiEnv>, { tenant = USUAL_TENANT, stream = 'native' }: Props = {}) {
    checkTenant(tenant, 'props.tenant')
    if (stream !== 'native' && stream !== 'openai')
      throw new Error('props.stream must be "native" or "openai"')
    this.#app = app
    this.#entry = { caller: { tenant } }
    this.#form = stream
  }

  /** As `env.AI.run` of Workers AI: a reply, a stream of server-sent events, or with `returnRawResponse` the response. */
  async run(
    model: string,
    inputs: RunInputs,
    { returnRawResponse, ...options }: RunOptions = {},
  ): Promise<RunOutput | ReadableStream<Uint8Array> | Response> {
    const asked = this.#reply({ path: '/asked/run', body: () => this.#body(model, inputs, options) })
    if (returnRawResponse === true) return asked.catch(errorResponse)
    const response = await asked.catch(throwRunError)
    return inputs['stream'] === true ? bodyOf(response) : response.json<RunOutput>()
  }

  /** A chat completion. */
  chat(request: ChatRequest): Promise<ChatCompletion> {
    return this.#json({ path: '/asked/chat', body: { ...request, stream: false } })
  }

  /** The same as server-sent events of OpenAI's chunks; who cancels the stream ends the answer. */
  async stream(request: ChatRequest): Promise<ReadableStream<Uint8Array>> {
    const asked = { path: '/asked/chat', body: { ...request, stream: true } }
    return bodyOf(await this.#reply(asked).catch(throwRunError))
  }

  /** What the JSON of an answer says that is held to `schema`. */
  async extract({ schema, prompt, messages, ...more }: ExtractRequest): Promise<Value> {
    const { choices } = await this.chat({
      ...more,
      messages: messages ?? [{ role: 'user', content: prompt ?? '' }],
      response_format: { type: 'json_schema', json_schema: { schema } },
    })
    try {
      return JSON.parse(choices[0].message.content ?? '') as Value
    } catch (cause) {
      throw runError(new IsletError('engine_failure', 'The answer was cut off: it is no JSON', { cause }))
    }
  }

  /** Typed decisions with probabilities, without sampling. */
  decide(request: DecisionRequest): Promise<Decision> {
    return this.#json({ path: '/asked/decide', body: request })
  }

  /** Sessions of the tenant, those used last first, `limit` of them behind the one with the id `after`. */
  sessions(page: { limit?: number; after?: string } = {}): Promise<SessionList> {
    return this.#json({ path: `/sessions?${query(page)}`, method: 'GET' })
  }

  session(id: string): Promise<Session> {
    return this.#json({ path: `/sessions/${encodeURIComponent(id)}`, method: 'GET' })
  }

  /** A new session that begins as this one stands. */
  fork(id: string): Promise<Session> {
    return this.#json({ path: `/sessions/${encodeURIComponent(id)}/fork` })
  }

  /** Deletes a session with its turns. */
  async remove(id: string): Promise<void> {
    await this.#json({ path: `/sessions/${encodeURIComponent(id)}`, method: 'DELETE' })
  }

  /** The model that is served; `search` and `task` narrow the list. */
  models({ search, task }: { search?: string; task?: string } = {}): Promise<ListedModel[]> {
    return this.#json({ path: `/models?${query({ search, task })}`, method: 'GET' })
  }

  /** Throws that a method of Workers AI's binding is not here. */
  absent(name: (typeof ABSENT)[number]): never {
    const says = `${name} is a service of Cloudflare that this binding does not have: ask it of a binding to Workers AI`
    throw runError(new IsletError('unsupported_parameter', says))
  }

  /** The inputs with the settings that stand among the options. Throws IsletError. */
  #body(model: string, inputs: RunInputs, { extraHeaders, form, signal: _, ...options }: RunOptions): object {
    if (typeof inputs !== 'object' || inputs === null)
      throw new IsletError('invalid_request', 'inputs must be an object, such as {"prompt": "..."}')
    for (const name of REFUSED)
      if (options[name] === true)
        throw new IsletError('unsupported_parameter', `${name} is not supported by this binding; remove it`)
    const names: readonly string[] = WITHOUT_EFFECT
    const given = Object.entries(options).filter(([, value]) => value != null)
    const settings = given.filter(([name]) => !names.includes(name) && !REFUSED.some((one) => one === name))
    const inVain = given.filter(([name]) => names.includes(name)).map(([name]) => `options.${name}`)
    const affinity = headersOf(extraHeaders).find(([name]) => name.toLowerCase() === 'x-session-affinity')
    return {
      ...(affinity && { prompt_cache_key: String(affinity[1]) }),
      ...Object.fromEntries(settings),
      ...inputs,
      stream: inputs['stream'],
      model,
      form: form === 'whole' ? form : this.#form,
      ignored: inVain.length > 0 ? inVain : undefined,
    }
  }

  async #json<T>(asked: Asked): Promise<T> {
    return (await this.#reply(asked).catch(throwRunError)).json<T>()
  }

  /** Throws what the handlers throw. */
  async #reply({ path, body, method = 'POST' }: Asked | (Asked & { body: () => object })): Promise<Response> {
    const given = typeof body === 'function' ? (body as () => object)() : body
    const sent = given && JSON.stringify(given)
    return this.#app.fetch(new Request(`http://binding${path}`, { method, body: sent }), this.#entry)
  }
}

function headersOf(headers: unknown): [string, unknown][] {
  return headers instanceof Headers ? [...headers] : Object.entries(headers ?? {})
}

function query(fields: Record<string, string | number | undefined>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()
}

function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  return body as ReadableStream<Uint8Array>
}

/** RPC carries an error's name and message. */
function runError(thrown: unknown): Error {
  const { name, message, internalCode } = runErrorBody(failureOf(thrown))
  return Object.assign(new Error(message), { name, code: internalCode })
}

function throwRunError(thrown: unknown): never {
  throw runError(thrown)
}

function errorResponse(thrown: unknown): Response {
  const failure = failureOf(thrown)
  const { status, headers } = failure
  return Response.json(runErrorBody(failure), { status, headers })
}
