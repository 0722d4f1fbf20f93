// The validator runs a zod schema over a body and words the first problem for a person.
// It says what was seen and what is allowed.

import * as z from 'zod/mini'
import { IsletError, type ErrorCode } from '../lib/errors.ts'

// Workers forbid generated code; without this zod would try it, and Node would run another path than workerd.
z.config({ jitless: true })

type Path = readonly PropertyKey[]

/** How the problems of one field are told, wherever in it they are. */
type Wording = { code: ErrorCode; says: (value: unknown) => string }
const wordings = z.registry<Wording>()

/**
 * The top-level `field`, of whose problems each is told by this code and sentence, with the field as `param`.
 */
export function worded<S extends z.ZodMiniType>(field: S, code: ErrorCode, says: Wording['says']): S {
  wordings.add(field, { code, says })
  return field
}

/** The top-level `field`, an object of at most `most` entries: zod has no word for that, JSON Schema has. */
export function atMost<S extends z.ZodMiniType>(most: number, field: S): S {
  z.globalRegistry.add(field, { maxProperties: most })
  return field
}

/**
 * A body of these fields, which are made when it is first read: every isolate holds what it made, and few serve all endpoints.
 * Others may be there only as null: `validate` tells of them by name.
 */
export function bodySchema<S extends z.core.$ZodLooseShape>(fields: () => S): z.ZodMiniObject<S> {
  let made: S | undefined
  const def = {
    type: 'object' as const,
    get shape(): S {
      return (made ??= fields())
    },
    catchall: z.null(),
  }
  return new z.ZodMiniObject(def) as z.ZodMiniObject<S>
}

/** What is left of a body's fields when null counts as absent. */
export type Given<T> = { [K in keyof T]: Exclude<T[K], null> }

// Without `abortEarly`, which zod honours but leaves out of the type, a list of a million bad items makes a
// million issues. Issues of schemas that have no words of their own get none: `allowed` finds them.
const PARSING = { reportInput: true, abortEarly: true, error: () => '' }

/**
 * Checks a body against an object schema: null fields count as absent, unknown ones are refused by name.
 * @throws IsletError `unknown_parameter`, `unsupported_parameter`, `unsupported_value` or `invalid_request` with `param`.
 */
export function validate<S extends z.ZodMiniObject>(
  schema: S,
  body: Record<string, unknown>,
): Given<z.output<S>> {
  const { shape } = schema._zod.def
  const given = Object.entries(body).filter(([, value]) => value !== null)
  const unknown = given.find(([key]) => !Object.hasOwn(shape, key))
  if (unknown !== undefined) throw unknownParameter(unknown[0])
  for (const [key, value] of given) checkEntries(shape[key], key, value)
  const result = schema.safeParse(Object.fromEntries(given), PARSING)
  if (result.success) return result.data as Given<z.output<S>>
  const [issue] = result.error.issues
  const key = String(issue.path[0])
  const wording = issue.path.length > 0 ? wordings.get(shape[key]) : undefined
  throw wording ? fieldError(key, body[key], wording) : issueError(deepest(issue))
}

/** Looks at what records of zod cannot say: how many entries, and a key that they skip. */
function checkEntries(field: z.core.$ZodType, key: string, value: unknown): void {
  const most = z.globalRegistry.get(field)?.maxProperties as number | undefined
  if (most === undefined || typeof value !== 'object' || value === null) return
  const count = Object.keys(value).length
  if (count <= most && !Object.hasOwn(value, '__proto__')) return
  const says = () =>
    count > most ? `must have at most ${most} entries, not ${count}` : 'must not have a key "__proto__"'
  throw fieldError(key, value, wordings.get(field) ?? { code: 'invalid_request', says })
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

/** What stands in a value, for fields where only few values pass: three entries of each level, three levels. */
export function glimpse(value: unknown, levels = 3): string {
  if (typeof value !== 'object' || value === null || levels === 0) return preview(value)
  const words = Object.entries(value)
    .slice(0, 4)
    .map(([key, inner], at) => {
      if (at === 3) return '...'
      const word = glimpse(inner, levels - 1)
      return Array.isArray(value) ? word : `${preview(key)}: ${word}`
    })
  return Array.isArray(value) ? `[${words.join(', ')}]` : `{${words.join(', ')}}`
}

function unknownParameter(name: string): IsletError {
  return new IsletError('unknown_parameter', `Unknown parameter: ${preview(name)}; remove it`, {
    param: name.slice(0, 100),
  })
}

function fieldError(key: string, value: unknown, { code, says }: Wording): IsletError {
  return new IsletError(code, `${key} ${says(value)}`, { param: key })
}

/**
 * The issue of the alternative that was meant, where `issue` is of a union: the one that is furthest into the
 * value, then one of a value of the right type. Without any inside the value it is the issue itself.
 */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const last = ({ path }: z.core.$ZodIssue) => Number(path.at(-1))
  const typed = ({ code }: z.core.$ZodIssue) => Number(code !== 'invalid_type')
  const [best] = issue.errors
    .map(([first]) => deepest(first))
    .toSorted((a, b) => b.path.length - a.path.length || last(b) - last(a) || typed(b) - typed(a))
  if (issue.errors.length === 0 || best.path.length === 0) return issue
  return { ...best, path: [...issue.path, ...best.path] }
}

function issueError(issue: z.core.$ZodIssue): IsletError {
  if (issue.code === 'unrecognized_keys') return unknownParameter(pathName([...issue.path, issue.keys[0]]))
  // These two are told of the object that has the key: the key is what is wrong with it.
  const parent = issue.code === 'invalid_key' || (issue.code === 'invalid_union' && issue.discriminator)
  const param = pathName(parent ? issue.path.slice(0, -1) : issue.path).slice(0, 100)
  const refuse = (says: string, code: ErrorCode = 'invalid_request') =>
    new IsletError(code, `${param} ${says}`, { param })
  if (issue.code === 'custom') return refuse(issue.message, issue.params?.code as ErrorCode | undefined)
  if (issue.code === 'invalid_union' && issue.discriminator && !Array.isArray(issue.input)) {
    const type = (issue.input as Record<string, unknown>)[issue.discriminator]
    const options = 'options' in issue ? (issue.options as unknown[]) : []
    const known = oneOf(options.filter((option) => typeof option === 'string'))
    const says = `is of ${issue.discriminator} ${preview(type)}; this server reads only ${known}`
    return refuse(says, 'unsupported_value')
  }
  if (issue.code === 'invalid_key') return refuse(`${issue.issues[0].message}, not ${preview(issue.input)}`)
  if (issue.input === undefined) return refuse('is required')
  if (issue.message !== '') return refuse(`${issue.message}, not ${preview(issue.input)}`)
  return refuse(`${allowed(issue)}, not ${seen(issue)}`)
}

function oneOf(values: readonly unknown[]): string {
  return values.map((value) => preview(value)).join(' or ')
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
      return `must be ${oneOf(issue.values)}`
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
