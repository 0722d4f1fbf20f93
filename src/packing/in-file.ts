// An error in a checkpoint names the file that the person gave, wherever in packing it is found.

import { IsletError } from '../lib/errors.ts'

/**
 * The error with the file's name in front, unless its message has it already; others than IsletError as they
 * are.
 */
export function inFile(name: string, error: unknown, between = ': '): unknown {
  if (!(error instanceof IsletError) || error.message.includes(name)) return error
  return new IsletError(error.code, `${name}${between}${error.message}`, {
    param: error.param,
    cause: error.cause ?? error,
  })
}

/** What `action` gives; what it throws names the file. */
export function naming<T>(name: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw inFile(name, error)
  }
}
