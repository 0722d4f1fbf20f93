// The prompt of a text completion is one text, or one list of token ids.

import type { GenerateRequest } from '../../../protocol/generation.ts'
import { IsletError } from '../../../lib/errors.ts'
import { preview } from '../../validate.ts'

/** Ids above this are in no vocabulary; the lane compares with its own. */
const MAX_ID = 2 ** 31 - 1

/**
 * A string, an array of token ids, or an array that holds one of either.
 * @throws IsletError `unsupported_value` for several prompts, `invalid_request` for anything else; `param` has the index.
 */
export function parsePrompt(value: unknown): GenerateRequest['prompt'] {
  if (value === undefined) throw refuse('prompt is required', 'prompt')
  if (Array.isArray(value) && (typeof value[0] === 'string' || Array.isArray(value[0]))) {
    if (value.length === 1) return single(value[0], 'prompt[0]')
    const message = `prompt holds ${value.length} prompts; send one in each request`
    throw new IsletError('unsupported_value', message, { param: 'prompt' })
  }
  return single(value, 'prompt')
}

function single(value: unknown, param: string): GenerateRequest['prompt'] {
  if (typeof value === 'string' && value !== '') return { kind: 'text', text: value }
  if (!Array.isArray(value) || value.length === 0) {
    throw refuse(`${param} must be a text or an array of token ids, not empty, not ${preview(value)}`, param)
  }
  const bad = value.findIndex((id) => !Number.isInteger(id) || id < 0 || id > MAX_ID)
  if (bad < 0) return { kind: 'ids', ids: value as number[] }
  throw refuse(`${param}[${bad}] must be a token id, not ${preview(value[bad])}`, `${param}[${bad}]`)
}

function refuse(message: string, param: string): IsletError {
  return new IsletError('invalid_request', message, { param })
}
