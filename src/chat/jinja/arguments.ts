// Arguments of filters and methods are read as the type that Python wants there.

import { TemplateError, typeError } from './errors.ts'
import { asInteger } from './numbers.ts'
import { textOf, typeName, Undefined, type Value } from './values.ts'

/** An integer; `otherwise` where none was given. */
export function integerArg(value: Value | undefined, otherwise?: number): number {
  if (value === undefined && otherwise !== undefined) return otherwise
  const integer = asInteger(value)
  if (integer !== undefined) return Number(integer)
  throw typeError(`'${typeName(value ?? null)}' object cannot be interpreted as an integer`)
}

/** A string. */
export function textArg(value: Value | undefined): string {
  const text = value === undefined ? undefined : textOf(value)
  if (text !== undefined) return text
  throw typeError(`expected str, ${typeName(value ?? null)} found`)
}

/** Throws what an undefined value throws when something is asked of it. */
export function defined<T extends Value>(value: T | Undefined): T {
  if (value instanceof Undefined) throw new TemplateError(value.kind, value.says)
  return value
}
