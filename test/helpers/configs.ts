// Configs of real checkpoints (docs/families), and what every family must refuse: one table of hostile values for all.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { IsletError } from '../../src/lib/errors.ts'

const FOLDER = new URL('../../docs/families/', import.meta.url)

/** The config.json of a real checkpoint. */
export function realConfig(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as Record<string, unknown>
}

export type Refusal = [what: string, make: () => unknown, code: string, message: RegExp]

/** Each is refused with its code and a message. */
export function describeRefusals(cases: readonly Refusal[]): void {
  describe('refusals', () => {
    it.each(cases)('%s', (_, make, code, message) => {
      expect(make).toThrow(message)
      expect(make).toThrow(expect.objectContaining({ name: 'IsletError', code }))
    })
  })
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

/** What no number of a config may be. */
const HOSTILE: [string, unknown][] = [
  ['zero', 0],
  ['negative', -4],
  ['huge', 1e300],
  ['not a number', NaN],
  ['infinite', Infinity],
  ['text', '64'],
  ['an empty text', ''],
  ['true', true],
  ['a list', [64]],
  ['an empty list', []],
  ['an object', { value: 64 }],
  ['lists in lists without end', nested(20_000)],
  ['a bigint', 64n],
]

/** What no size may be either. */
const NO_SIZE: [string, unknown][] = [
  ['a fraction', 63.5],
  ['past every limit', 2 ** 31],
  ['past exact integers', 2 ** 60],
]

/**
 * `read` with one key changed: sizes and numbers of a config (or GGUF metadata) that are hostile are refused as `invalid_file`,
 * by key and in one short line. `named` where the message says it by another key.
 */
export function describeHostile(
  read: (changes: Record<string, unknown>) => unknown,
  keys: { sizes: readonly string[]; numbers: readonly string[] },
): void {
  const values = (key: string): [string, unknown][] =>
    keys.sizes.includes(key) ? [...HOSTILE, ...NO_SIZE] : HOSTILE
  it.each([...keys.sizes, ...keys.numbers])('%s holds no hostile value', (key) => {
    for (const [what, value] of values(key)) {
      const error = thrownBy(() => read({ [key]: value }))
      expect(error, `${key} that is ${what}`).toBeInstanceOf(IsletError)
      const { code, message } = error as IsletError
      expect(code, what).toMatch(/^(invalid_file|unsupported_format)$/)
      expect(message, what).toContain(key)
      expect(message.length, what).toBeLessThan(250)
    }
  })
}

/** Flags that are neither true nor false are refused: a text of "false" would be read as either. */
export function describeFlags(
  read: (changes: Record<string, unknown>) => unknown,
  flags: readonly string[],
): void {
  it.each(flags)('%s is true or false', (key) => {
    for (const value of ['true', 'false', 1, 0, [true], {}]) {
      expect(() => read({ [key]: value }), JSON.stringify(value)).toThrow(`${key} is `)
    }
  })
}

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
