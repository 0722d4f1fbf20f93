// Eased calls take any object where a function's schema cannot be promised and nobody asked for the promise.

import { ANY_OBJECT, type CallsForm } from './call-form.ts'
import { GrammarError, LIMITS } from './grammar-error.ts'
import type { DefaultBounds } from './json-terms.ts'
import { compileSchema } from './schema/compile.ts'
import { withinBudget, withinPart } from './work-budget.ts'

/**
 * The form with any object for each schema that cannot be promised, or finds no room beside those before it; `ignored` has their
 * places. Undefined where calls are required: then it is an error.
 */
export function easedCalls(
  form: CallsForm,
  bounds: DefaultBounds,
): { calls: CallsForm; ignored: string[] } | undefined {
  if (form.required) return undefined
  const options = { ...bounds, isObject: true, isCall: form.style === 'python' }
  const ignored: string[] = []
  const functions = withinBudget(
    () =>
      form.functions.map((each) => {
        if (each.isStrict === true || isPromised(() => compileSchema(each.parameters, options))) return each
        ignored.push(each.pointer)
        return { ...each, parameters: ANY_OBJECT }
      }),
    LIMITS.work,
  )
  return { calls: { ...form, functions }, ignored }
}

function isPromised(compile: () => unknown): boolean {
  try {
    withinPart(compile, LIMITS.work)
    return true
  } catch (error) {
    if (error instanceof GrammarError) return false
    throw error
  }
}
