// A signature binds positional and named arguments to parameters as Python's call does.

import { typeError } from './errors.ts'
import type { Meter } from './meter.ts'
import type { Call, Named, Value } from './values.ts'

/** A function of the value before the dot or bar, and its arguments; undefined where none was given. */
export type Native<T = Value> = (value: T, args: readonly (Value | undefined)[], meter: Meter) => Value
export type Bound<T = Value> = (meter: Meter, value: T, args: readonly Value[], named: Named) => Value

/**
 * A function with parameters as written: `sep? maxsplit?` may be left out and named, behind `/ ` none can be
 * named.
 */
export function native<T = Value>(name: string, signature: string, body: Native<T>): Bound<T> {
  const words = signature.split(' ').filter((word) => word !== '')
  const unnamed = words[0] === '/'
  const parameters = (unnamed ? words.slice(1) : words).map((word) => word.replace('?', ''))
  const required = words.filter((word) => word !== '/' && !word.endsWith('?')).length
  return (meter, value, args, named) => {
    meter.take(1)
    if (args.length > parameters.length)
      throw typeError(`${name}() takes at most ${parameters.length} arguments (${args.length} given)`)
    let bound: readonly (Value | undefined)[] = args
    if (named.size > 0) bound = withNamed(name, args, named, unnamed ? [] : parameters)
    for (let i = 0; i < required; i++)
      if (bound[i] === undefined) throw typeError(`${name}() missing a required argument: '${parameters[i]}'`)
    return body(value, bound, meter)
  }
}

function withNamed(
  name: string,
  args: readonly Value[],
  named: Named,
  parameters: readonly string[],
): (Value | undefined)[] {
  const bound: (Value | undefined)[] = [...args]
  for (const [key, value] of named) {
    const at = parameters.indexOf(key)
    if (at < 0) throw typeError(`${name}() got an unexpected keyword argument '${key}'`)
    if (at < args.length) throw typeError(`${name}() got multiple values for argument '${key}'`)
    bound[at] = value
  }
  return bound
}

/** A function that stands for itself, such as a global. */
export function freeCall(
  name: string,
  signature: string,
  body: (args: readonly (Value | undefined)[], meter: Meter) => Value,
): Call {
  const bound = native<null>(name, signature, (_, args, meter) => body(args, meter))
  return (meter, args, named) => bound(meter, null, args, named)
}
