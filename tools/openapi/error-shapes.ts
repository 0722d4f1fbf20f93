// An error shape is the JSON Schema of how a route words its errors, found by having it word each of them.

import { failureOf } from '../../src/api/http/errors.ts'
import type { Route } from '../../src/api/routes.ts'
import { openAiError } from '../../src/api/dialects/openai-error.ts'
import { IsletError, SERVER_CODES, USER_CODES, type ErrorCode } from '../../src/lib/errors.ts'
import type { Schema } from './shapes.ts'

const CODES: readonly ErrorCode[] = [...USER_CODES, ...SERVER_CODES]

/** Each status that an error may have, with its codes. */
export function codesByStatus(): Map<number, ErrorCode[]> {
  return Map.groupBy(CODES, (code) => failureOf(new IsletError(code, 'x')).status)
}

/** The schema of all errors that `errorBody` words; OpenAI's without it. */
export function errorShape(errorBody: NonNullable<Route['errorBody']> = openAiError): Schema {
  const failures = CODES.flatMap((code) =>
    [undefined, 'field'].map((param) => failureOf(new IsletError(code, 'a message', { param }))),
  )
  return shapeOf(failures.map((failure) => errorBody(failure, 'a request')))
}

/** Fields whose values are a closed list. */
const CLOSED = ['type', 'code', 'status']

function shapeOf(samples: readonly unknown[], name = ''): Schema {
  const objects = samples.filter((sample): sample is Record<string, unknown> => kindOf(sample) === 'object')
  const kinds = [...new Set(samples.map(kindOf))]
  if (CLOSED.includes(name) && objects.length === 0) return { enum: [...new Set(samples)] }
  if (objects.length === 0) return { type: kinds.length === 1 ? kinds[0] : kinds }
  const names = [...new Set(objects.flatMap((sample) => Object.keys(sample)))]
  return {
    type: 'object',
    required: names.filter((field) => objects.every((sample) => field in sample)),
    properties: Object.fromEntries(
      names.map((field) => [
        field,
        shapeOf(
          objects.filter((sample) => field in sample).map((sample) => sample[field]),
          field,
        ),
      ]),
    ),
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Number.isInteger(value)) return 'integer'
  return Array.isArray(value) ? 'array' : typeof value
}
