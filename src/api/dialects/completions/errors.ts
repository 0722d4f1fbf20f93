// An error of text completions is OpenAI's object: as the body, or as the last frame of a stream.

import type { Failure } from '../../http/errors.ts'
import type { Frame } from '../../http/sse.ts'
import { openAiError } from '../openai-error.ts'

export { openAiError as completionErrorBody } from '../openai-error.ts'

/** A stream that fails ends with the error, without `[DONE]`. */
export function completionFailure(failure: Failure): Frame[] {
  return [{ data: openAiError(failure) }]
}
