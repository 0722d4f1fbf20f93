// OpenAI's error object has one shape in all of its dialects.

import type { Failure } from '../http/errors.ts'

/** The body that OpenAI clients turn into an `APIError`. */
export type OpenAiError = {
  error: { message: string; type: string; param: string | null; code: string }
}

/** `type` is a function of the status, which a stream has too, though it is not sent there. */
export function openAiError({ status, message, param, code }: Failure): OpenAiError {
  return { error: { message, type: typeOf(status), param, code } }
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
