// The validator runs a zod schema over a body and words the first problem for a person.
// It says what was seen and what is allowed.

import * as z from 'zod/mini'
import { IsletError, type ErrorCode } from '../lib/errors.ts'

// Workers forbid generated code; without this zod would try it, and Node would run another path than workerd.
z.config({ jitless: true })

type Path = readonly PropertyKey[]

/** A check that answers `undefined` for a good value, else the code and the sentence after the field's name. */
export type Rule = (value: unknown) => Problem | undefined
export type Problem = { code: ErrorCode; says: string; at?: Path }

/** A zod field that accepts what `rule` accepts. */
export function ruled(rule: Rule): z.ZodMiniUnknown {
  return z.unknown().check(
    z.check((payload) => {
      const problem = rule(payload.value)
      if (problem === undefined) return
      const path = [...(problem.at ?? [])]
      payload.issues.push({
        code: 'custom',
        input: payload.value,
        path,
        message: problem.says,
        params: { problem },
      })
    }),
  )
}

/**
 * Checks a body against an object schema: null fields count as absent, unknown ones are refused by name.
 * @throws IsletError `unknown_parameter`, `unsupported_parameter`, `unsupported_value` or `invalid_request` with `param`.
 */
export function validate<S extends z.ZodMiniObject>(schema: S, body: Record<string, unknown>): z.output<S> {
  const given = Object.entries(body).filter(([, value]) => value !== null)
  const unknown = given.find(([key]) => !Object.hasOwn(schema._zod.def.shape, key))
  if (unknown !== undefined) throw unknownParameter(unknown[0])
  const result = schema.safeParse(Object.fromEntries(given), { reportInput: true })
  if (result.success) return result.data
  throw issueError(result.error.issues[0])
}

/** `messages[0].content` from its parts. */
export function pathName(path: Path): string {
  return path.reduce<string>((name, part) => {
    if (typeof part === 'number') return `${name}[${part}]`
    return name === '' ? String(part) : `${name}.${String(part)}`
  }, '')
}

/** A short rendering of a value for messages: never a whole prompt, never nested. */
export function preview(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

function unknownParameter(name: string): IsletError {
  return new IsletError('unknown_parameter', `Unknown parameter: ${preview(name)}; remove it`, {
    param: name.slice(0, 100),
  })
}

function issueError(issue: z.core.$ZodIssue): IsletError {
  if (issue.code === 'unrecognized_keys') return unknownParameter(pathName([...issue.path, issue.keys[0]]))
  const param = pathName(issue.path).slice(0, 100)
  if (issue.code === 'custom') {
    const problem = issue.params?.problem as Problem
    return new IsletError(problem.code, `${param} ${problem.says}`, { param })
  }
  if (issue.input === undefined) return new IsletError('invalid_request', `${param} is required`, { param })
  return new IsletError('invalid_request', `${param} ${allowed(issue)}, not ${seen(issue)}`, { param })
}

function allowed(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = issue.expected === 'int' ? 'integer' : issue.expected
      return `must be ${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`
    }
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum)
    case 'invalid_value':
      return `must be ${issue.values.map((value) => preview(value)).join(' or ')}`
    default:
      return 'must be valid'
  }
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  const unit = origin === 'string' ? ' character' : origin === 'array' ? ' item' : undefined
  if (unit === undefined) return `must be ${relation} ${limit}`
  return `must have ${relation} ${limit}${unit}${limit === 1 ? '' : 's'}`
}

function seen(issue: z.core.$ZodIssue): string {
  const input = issue.input
  const counted = issue.code === 'too_small' || issue.code === 'too_big'
  if (counted && (Array.isArray(input) || typeof input === 'string')) return String(input.length)
  return preview(input)
}
