// An error of Messages is Anthropic's object: as the body, or as the last event of a stream.

import type { Failure } from '../../http/errors.ts'
import type { Frame } from '../../http/sse.ts'

/** Anthropic's names for errors; all that are not listed are mistakes in the request. */
const TYPES: Partial<Record<Failure['status'], string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'overloaded_error',
}

/** The body that Anthropic's clients turn into an `APIError`. Our own code is what they call its `errorCode`. */
export function messageErrorBody({ status, code, message, param }: Failure, requestId: string): object {
  const type = TYPES[status] ?? 'invalid_request_error'
  const details = { error_code: code, ...(param !== null && { param }) }
  return { type: 'error', error: { type, message, details }, request_id: requestId }
}

/** A stream that fails ends with the error, without `message_stop`. */
export function messageFailure(failure: Failure, requestId: string): Frame[] {
  return [{ event: 'error', data: messageErrorBody(failure, requestId) }]
}
