// An error of a response is OpenAI's object as a body, and an event or part of the response in a stream.

import type { Failure } from '../../http/errors.ts'

export { openAiError as responseErrorBody } from '../openai-error.ts'

/**
 * Whoever reads no longer, because another does or the lane is out of reach, has not seen the response fail.
 */
export function isCutOff({ code }: Failure, ended: boolean): boolean {
  return !ended || code === 'conflict'
}

/** The fields of the event `error`: the connection alone failed, the response itself goes on, or may. */
export function cutOffFields({ code, message, param }: Failure): object {
  return { code, message, param }
}

/** The error inside a response that failed. OpenAI has its own codes here; ours stands before the message. */
export function responseError({ code, message }: Failure): object {
  const theirs = code === 'overloaded' ? 'rate_limit_exceeded' : 'server_error'
  return {
    code: code === 'context_length_exceeded' ? 'invalid_prompt' : theirs,
    message: `${code}: ${message}`,
  }
}
