// A notation is how values are spelled where a grammar holds them: JSON, or Python's literals.

import { Float, writeExactJson, type ExactJson } from '../lib/exact-json.ts'
import { pythonChar } from './python-char.ts'
import type { Spelling } from './text-cost.ts'

export type Notation = {
  quote: string
  /** Of the characters of a string that has one spelling. */
  spelling: Spelling
  write: (value: ExactJson) => string
}

export const JSON_NOTATION: Notation = { quote: '"', spelling: 'json', write: writeExactJson }
export const PYTHON_NOTATION: Notation = { quote: "'", spelling: 'python', write: pythonText }

/** A literal that Python, and `python-call.ts`, read as the value. */
function pythonText(value: ExactJson): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return `'${Array.from(value, pythonChar).join('')}'`
  if (Array.isArray(value)) return `[${value.map(pythonText).join(', ')}]`
  if (value instanceof Map)
    return `{${Array.from(value, ([key, item]) => `${pythonText(key)}: ${pythonText(item)}`).join(', ')}}`
  return value instanceof Float ? writeExactJson(value) : String(value)
}

/** Names of keyword arguments, as models write them. */
export const KEYWORD = /^[\p{L}_][\p{L}\p{N}_]*$/u
