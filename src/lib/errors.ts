// IsletError is the one error class, and its `code` is one of a closed list. src/api/http/errors.ts maps each
// code to a status; the command line maps user codes to exit 2 and the rest to exit 1. Errors cross RPC by
// `code`, never by instanceof.

/** Mistakes of the caller: exit code 2, HTTP 4xx. */
export const USER_CODES = [
  'invalid_request', // malformed or out-of-range value; `param` names it
  'unknown_parameter', // a field nobody defines
  'unsupported_parameter', // a known field we do not implement
  'unsupported_value', // a known field at a value we do not implement
  'invalid_api_key',
  'insufficient_scope', // a key that may not do this
  'origin_not_allowed', // a page of another site asks
  'model_not_found',
  'not_found', // unknown path
  'method_not_allowed',
  'rate_limit_exceeded', // more requests than the key may send
  'conflict', // something else is using it, or it is not what it was
  'context_length_exceeded',
  'body_too_large',
  'unsupported_encoding', // a body compressed in a way that we do not read
  'unsupported_format', // a model file we do not read
  'invalid_file', // a model file that is damaged or hostile
] as const

/** Our own failures: exit code 1, HTTP 5xx (or 429 for `overloaded`). */
export const SERVER_CODES = [
  'overloaded', // the lane's queue is full
  'model_loading',
  'engine_failure',
  'checksum_mismatch',
  'out_of_memory',
  'lane_lost', // the object that worked on it is gone
  'internal_error',
] as const

export type ErrorCode = (typeof USER_CODES)[number] | (typeof SERVER_CODES)[number]

export type ErrorDetails = {
  /** The request field or command-line option at fault. */
  param?: string
  /** Facts for the log; never shown to a client. */
  facts?: Record<string, unknown>
  cause?: unknown
}

export class IsletError extends Error {
  readonly code: ErrorCode
  readonly param: string | undefined
  readonly facts: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'IsletError'
    this.code = code
    this.param = details.param
    this.facts = details.facts
  }
}

/** True for the caller's mistakes, false for ours. */
export function isUserCode(code: string): boolean {
  return (USER_CODES as readonly string[]).includes(code)
}

/** Reads `code` off anything thrown, also after it crossed RPC; unknown throws are `internal_error`. */
export function errorCode(error: unknown): ErrorCode {
  const code = (error as { code?: unknown } | null)?.code
  const known = typeof code === 'string' && [...USER_CODES, ...SERVER_CODES].some((c) => c === code)
  return known ? (code as ErrorCode) : 'internal_error'
}
