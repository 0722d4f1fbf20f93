// A macro is a callable that prints its body; it sees the scope where it stands, and its arguments.

import type { Expression, Signature } from './ast.ts'
import { Output, type Run } from './output.ts'
import { typeError } from './errors.ts'
import type { Eval } from './expressions.ts'
import { MACRO_LEVELS } from './meter.ts'
import { bodyValue } from './repr.ts'
import type { Scope } from './scope.ts'
import { dictOf, Instance, Tuple, Undefined, type Call, type Named, type Value } from './values.ts'

class Macro extends Instance {
  readonly #name: string
  readonly #signature: Signature

  constructor(name: string, signature: Signature, call: Call) {
    super('Macro', call)
    this.#name = name
    this.#signature = signature
  }

  override attribute(name: string): Value | undefined {
    const { names, uses } = this.#signature
    if (name === 'name') return this.#name
    if (name === 'arguments') return new Tuple(names)
    if (name === 'caller') return uses.has('caller')
    if (name === 'catch_kwargs') return uses.has('kwargs')
    return name === 'catch_varargs' ? uses.has('varargs') : undefined
  }
}

/** A macro for each scope that it is defined in. */
export function compileMacro(
  name: string,
  signature: Signature,
  compile: (node: Expression) => Eval,
  body: Run,
): (scope: Scope) => Instance {
  const { names, uses } = signature
  const defaults = signature.defaults.map(compile)
  const firstDefault = names.length - defaults.length
  return (scope) => {
    // A macro escapes as the place does where it stands; its value is marked as the caller's place wants it.
    const { escapes } = scope.meter
    return new Macro(name, signature, (meter, args, named) => {
      const inner = scope.inner()
      const rest = new Map(named)
      for (const [i, parameter] of names.entries()) {
        let value = args[i] as Value | undefined
        if (value === undefined) {
          value = rest.get(parameter)
          rest.delete(parameter)
        }
        if (value === undefined)
          value =
            i < firstDefault
              ? new Undefined(`parameter '${parameter}' was not provided`)
              : defaults[i - firstDefault](inner)
        inner.set(parameter, value)
      }
      setSpecials(inner, name, signature, args, rest)
      const output = new Output()
      const { line, escapes: outside } = meter
      meter.escapes = escapes
      meter.enter(MACRO_LEVELS)
      body(inner, output)
      meter.leave(MACRO_LEVELS)
      meter.line = line
      meter.escapes = outside
      return bodyValue(output.text, meter)
    })
  }

  function setSpecials(
    inner: Scope,
    macro: string,
    { names: all }: Signature,
    args: readonly Value[],
    rest: Map<string, Value>,
  ): void {
    if (uses.has('caller') && !all.includes('caller')) {
      inner.set('caller', rest.get('caller') ?? new Undefined('No caller defined'))
      rest.delete('caller')
    }
    if (uses.has('kwargs')) inner.set('kwargs', dictOf(rest))
    else if (rest.size > 0) throw unexpected(macro, rest)
    if (uses.has('varargs')) inner.set('varargs', new Tuple(args.slice(all.length)))
    else if (args.length > all.length)
      throw typeError(`macro '${macro}' takes not more than ${all.length} argument(s)`)
  }
}

function unexpected(macro: string, rest: Named): Error {
  if (rest.has('caller'))
    return typeError(
      `macro '${macro}' was invoked with two values for the special caller argument. This is most likely a bug.`,
    )
  return typeError(`macro '${macro}' takes no keyword argument '${[...rest.keys()][0]}'`)
}
