// One table gives each error code its HTTP status and the headers that say whether to try again.

import { errorCode, IsletError, type ErrorCode } from '../../lib/errors.ts'

type Rendering = {
  status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 503
  headers?: Record<string, string>
}

/**
 * A failure as a client may know it, before a dialect words it. `status` is of no use once an answer has
 * begun.
 */
export type Failure = Rendering & { code: ErrorCode; message: string; param: string | null }

const REFUSED: Rendering = { status: 400 }
/** The same request would fail the same way: tell the client not to send the whole prompt again. */
const FINAL: Rendering = { status: 500, headers: { 'x-should-retry': 'false' } }

/** The next request begins a new load. */
const LATER: Rendering = {
  status: 503,
  headers: { 'retry-after-ms': '2000', 'retry-after': '2' },
}

const RENDERING: Record<ErrorCode, Rendering> = {
  invalid_request: REFUSED,
  unknown_parameter: REFUSED,
  unsupported_parameter: REFUSED,
  unsupported_value: REFUSED,
  context_length_exceeded: REFUSED,
  invalid_api_key: {
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
  },
  origin_not_allowed: { status: 403 },
  insufficient_scope: { status: 403 },
  model_not_found: { status: 404 },
  not_found: { status: 404 },
  method_not_allowed: { status: 405 },
  // When to come again, the shield says.
  rate_limit_exceeded: { status: 429 },
  // Without the header clients would send a 409 again, and it would be the same.
  conflict: { status: 409, headers: { 'x-should-retry': 'false' } },
  body_too_large: { status: 413 },
  unsupported_encoding: { status: 415, headers: { 'accept-encoding': 'gzip, deflate' } },
  // A bad model file is the caller's mistake at the command line, but the deployment's here.
  unsupported_format: FINAL,
  invalid_file: FINAL,
  engine_failure: FINAL,
  out_of_memory: FINAL,
  overloaded: {
    status: 429,
    headers: { 'retry-after-ms': '1000', 'retry-after': '1' },
  },
  model_loading: LATER,
  // Fetched twice by then; a later request begins a new load, which may find the file whole.
  checksum_mismatch: LATER,
  // Another object is made for the next request.
  lane_lost: LATER,
  internal_error: { status: 500 },
}

/** Longest message a client is sent, in UTF-16 units. */
const MAX_MESSAGE = 2000

/** What a client is told of anything thrown; what nobody named becomes a plain `internal_error`. */
export function failureOf(thrown: unknown): Failure {
  const code = errorCode(thrown)
  return { ...RENDERING[code], code, message: messageOf(thrown, code), param: paramOf(thrown) }
}

/** The error that an `error` event stands for; an unknown code becomes `internal_error`. */
export function eventError(event: { code: string; message: string; param?: string }): IsletError {
  return new IsletError(errorCode(event), event.message, { param: event.param })
}

function messageOf(thrown: unknown, code: ErrorCode): string {
  // Only named failures carry a message written for the client; others may hold paths or a stack.
  const text = code === 'internal_error' ? undefined : (thrown as { message?: unknown }).message
  if (typeof text !== 'string' || text === '')
    return 'The server failed on this request; it may work when sent again.'
  return text.slice(0, MAX_MESSAGE)
}

function paramOf(thrown: unknown): string | null {
  const param = (thrown as { param?: unknown } | null)?.param
  return typeof param === 'string' ? param : null
}
