// A mutant is one small bug with the tests that should catch it; the list is plain data in mutants.json.

import { readFileSync } from 'node:fs'

export type Mutant = {
  /** Unique, and says what is broken. */
  id: string
  file: string
  /** Text that occurs once in the file, and what a hasty edit would put in its place. */
  find: string
  replace: string
  /** The nearest tests: files or folders below test/. */
  tests: string[]
  /** Why no test could tell, where the program means the same with it. */
  equivalent?: string
}

export function readMutants(): Mutant[] {
  return JSON.parse(readFileSync(new URL('./mutants.json', import.meta.url), 'utf8')) as Mutant[]
}

/** The file's text with the bug in it. Throws where `find` does not occur exactly once. */
export function planted(text: string, { id, find, replace }: Mutant): string {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`mutant ${id}: its text occurs ${parts.length - 1} times`)
  return parts.join(replace)
}
