// This reader parses the JSON of a checkpoint: none that is nested too deep, no object with a key twice.

import { IsletError } from '../lib/errors.ts'
import { MAX_JSON_DEPTH } from './limits.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * The value of a JSON text; `invalid_file` says what is wrong with it, `is not JSON` for one that is none.
 */
export function parseJson(text: string): unknown {
  checkStructure(text)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new IsletError('invalid_file', 'is not JSON', { cause })
  }
}

/**
 * One pass over the text, before anything is made of it. Of two equal keys a parser would silently drop one.
 */
function checkStructure(text: string): void {
  const keys: (Set<string> | undefined)[] = [] // of each open object; undefined for a list
  let expectsKey = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      const inside = keys.at(-1)
      if (expectsKey && inside !== undefined) addKey(inside, text.slice(at, end))
      expectsKey = false
      at = end - 1
    } else if (code === 0x7b || code === 0x5b) {
      if (keys.length === MAX_JSON_DEPTH)
        throw new IsletError('invalid_file', `is JSON nested deeper than ${MAX_JSON_DEPTH} levels`)
      expectsKey = code === 0x7b
      keys.push(expectsKey ? new Set() : undefined)
    } else if (code === 0x7d || code === 0x5d) {
      keys.pop()
      expectsKey = false
    } else if (code === 0x2c) {
      expectsKey = keys.at(-1) !== undefined
    }
  }
}

/** Behind the closing quote, or the end of a text that has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at + 1
  }
  return text.length
}

function addKey(keys: Set<string>, quoted: string): void {
  const key = quoted.includes('\\') ? unescaped(quoted) : quoted.slice(1, -1)
  if (keys.has(key)) {
    const shown = quoted.length > 60 ? `${quoted.slice(0, 60)}...` : quoted
    throw new IsletError('invalid_file', `has the key ${shown} twice in one object`)
  }
  keys.add(key)
}

function unescaped(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted // no JSON: the parser says so
  }
}
