// A call of a template runs what can be called, and says what cannot.

import { defined } from './arguments.ts'
import { typeError } from './errors.ts'
import type { Meter } from './meter.ts'
import { Instance, typeName, type Named, type Value } from './values.ts'

/** `of(*args, **named)`. */
export function callValue(of: Value, args: readonly Value[], named: Named, meter: Meter): Value {
  defined(of)
  if (of instanceof Instance && of.call !== undefined) {
    meter.take(1)
    return of.call(meter, args, named)
  }
  throw typeError(`'${typeName(of)}' object is not callable`)
}
