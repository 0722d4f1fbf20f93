// The client sends requests to a server, with its key, and words what went wrong for a person.

export type Server = {
  /** Origin and path in front of `/v1`, without a slash at the end; empty: the page's own origin. */
  base: string
  /** Sent as a bearer token; empty: none. */
  key: string
}

/** A request that failed. `status` is 0 where no answer came; `retryAfter` is in seconds. */
export class ServerError extends Error {
  readonly status: number
  readonly code: string
  readonly param: string | undefined
  readonly retryAfter: number | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    more: { param?: string; retryAfter?: number } = {},
  ) {
    super(message)
    this.name = 'ServerError'
    this.status = status
    this.code = code
    this.param = more.param
    this.retryAfter = more.retryAfter
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

/** Sends `body` as JSON, if there is one, and reads JSON. */
export async function callJson<T>(
  server: Server,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const response = await call(server, path, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
    ...(signal && { signal }),
  })
  return (await response.json()) as T
}

/** What an answer that is no success says. Reads its body. */
export async function failureOf(response: Response): Promise<ServerError> {
  const { status } = response
  const body: unknown = await response.json().catch(() => undefined)
  const { error } = (body ?? {}) as { error?: { message?: unknown; code?: unknown; param?: unknown } }
  const said = typeof error?.message === 'string' ? error.message : ''
  const code = typeof error?.code === 'string' ? error.code : String(status)
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN)
  return new ServerError(status, code, inWords(status, said, retryAfter), {
    ...(typeof error?.param === 'string' && { param: error.param }),
    ...(Number.isFinite(retryAfter) && { retryAfter }),
  })
}

function inWords(status: number, said: string, retryAfter: number): string {
  const wait = Number.isFinite(retryAfter) ? ` Try again in ${retryAfter} s.` : ' Try again in a moment.'
  if (status === 401) return 'The server wants a key, or does not know this one. Put it into the settings.'
  if (status === 403) return said || 'This key may not do that.'
  if (status === 429) return `The server has as much to do as it can take.${wait}`
  if (status === 503) return `The server is not ready yet.${wait}`
  return said || `The server answered with status ${status}.`
}
