// The client sends requests to a server, with its key, and words what went wrong for a person.

export type Server = {
  /** Origin and path in front of `/v1`, without a slash at the end; empty: the page's own origin. */
  base: string
  /** Sent as a bearer token; empty: none. */
  key: string
}

/** A request that failed. `status` is 0 where no answer came; `retryAfter` is in seconds. */
export class ServerError extends Error {
  declare readonly status: number
  declare readonly code: string
  declare readonly param: string | undefined
  declare readonly retryAfter: number | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    more: { param?: string; retryAfter?: number } = {},
  ) {
    super(message)
    Object.assign(this, { name: 'ServerError', status, code, ...more })
  }
}

/** What went wrong, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof ServerError ? error.message : 'The connection broke off.'
}

/** The answer to a request, whatever its status. Throws ServerError of status 0 where none came, AbortError where it was aborted. */
export async function send(server: Server, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (server.key !== '') headers.set('authorization', `Bearer ${server.key}`)
  try {
    return await fetch(server.base + path, { ...init, headers })
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new ServerError(0, 'unreachable', 'The server does not answer.')
  }
}

/** The answer to a request that succeeded; throws ServerError otherwise. */
export async function call(server: Server, path: string, init?: RequestInit): Promise<Response> {
  const response = await send(server, path, init)
  if (response.ok) return response
  throw await failureOf(response)
}

/** Sends `body` as JSON; the answer if it succeeded, ServerError otherwise. */
export function post(
  server: Server,
  path: string,
  body: unknown,
  signal?: AbortSignal,
  more?: Record<string, string>,
): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...more }
  return call(server, path, { method: 'POST', body: JSON.stringify(body), headers, signal: signal ?? null })
}

/** Sends `body` as JSON, if there is one, and reads JSON. */
export async function callJson<T>(
  server: Server,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const response = await (body === undefined
    ? call(server, path, { method, signal: signal ?? null })
    : post(server, path, body, signal))
  return (await response.json()) as T
}

/** Resolves after some milliseconds, or when the signal aborts. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
    signal.addEventListener('abort', () => resolve())
  })
}

/** What an answer that is no success says. Reads its body. */
export async function failureOf(response: Response): Promise<ServerError> {
  const { status } = response
  const body = (await response.json().catch(() => undefined)) as
    { error?: { message?: string; code?: string; param?: string | null } } | undefined
  const { message = '', code = String(status), param } = body?.error ?? {}
  const retryAfter = Number(response.headers.get('retry-after')) || undefined
  return new ServerError(status, code, inWords(status, message, retryAfter), {
    ...(param != null && { param }),
    retryAfter,
  })
}

function inWords(status: number, said: string, retryAfter: number | undefined): string {
  const wait = ` Try again in ${retryAfter ? `${retryAfter} s` : 'a moment'}.`
  if (status === 401) return 'The server wants a key, or does not know this one.'
  if (status === 403) return said || 'This key may not do that.'
  if (status === 429) return `The server has as much to do as it can take.${wait}`
  if (status === 503) return `The server is not ready yet.${wait}`
  return said || `The server answered with status ${status}.`
}
