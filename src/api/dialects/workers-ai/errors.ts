// An error of the binding has one of Workers AI's internal codes in front of its message.

import type { ErrorCode } from '../../../lib/errors.ts'
import type { Failure } from '../../http/errors.ts'
import type { Frame } from '../../http/sse.ts'

/** Our codes by Workers AI's, which its clients look up: 3036 and 3040 are worth another try. */
export const INTERNAL_CODES: Readonly<Record<number, { name: string; codes: readonly ErrorCode[] }>> = {
  5007: { name: 'No such model', codes: ['model_not_found'] },
  5021: { name: 'Context window exceeded', codes: ['context_length_exceeded'] },
  3006: { name: 'Request too large', codes: ['body_too_large'] },
  3036: { name: 'Account limited', codes: ['rate_limit_exceeded'] },
  3040: {
    name: 'Out of capacity',
    codes: ['overloaded', 'model_loading', 'lane_lost', 'checksum_mismatch'],
  },
  3043: {
    name: 'Internal server error',
    codes: ['internal_error', 'engine_failure', 'out_of_memory', 'unsupported_format', 'invalid_file'],
  },
}

/** What its validation of inputs says: all other mistakes of a caller. */
export const INVALID_INPUT = 5006

/** What Workers AI answers a failed run with. `description` is what `run` throws, behind the code. */
export type RunError = { internalCode: number; name: string; message: string; description: string }

export function runErrorBody({ code, message }: Failure): RunError {
  const found = Object.entries(INTERNAL_CODES).find(([, { codes }]) => codes.includes(code))
  const internalCode = found === undefined ? INVALID_INPUT : Number(found[0])
  const said = `${internalCode}: ${message}`
  return { internalCode, name: 'InferenceUpstreamError', message: said, description: message }
}

/** A stream that fails ends with the error, without `[DONE]`. */
export function runFailure(failure: Failure): Frame[] {
  return [{ data: { error: runErrorBody(failure) } }]
}
