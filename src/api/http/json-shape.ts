// The shape check counts names and items in JSON text before it is parsed, since each costs time later.
// It also finds what JSON.parse changes: digits of numbers, and the place of keys that are numbers.

import { IsletError } from '../../lib/errors.ts'
import { MAX_DIGITS } from '../../lib/exact-json.ts'

/** Names in all objects: each costs about a microsecond, in an object of many of them. */
const MAX_NAMES = 100_000
/** Items in all arrays and objects, those of one level as much as those inside each other. */
const MAX_ITEMS = 300_000
/** All integers of so many digits are numbers of JavaScript too. */
const SAFE_DIGITS = 15

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c]
const [ZERO, NINE, DOT, SMALL_E, LARGE_E] = [0x30, 0x39, 0x2e, 0x65, 0x45]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Passes text whose values can be parsed, checked and walked in little time; of text that is no JSON it says
 * nothing. Gives the texts of those fields of the outermost object that JSON.parse may change.
 * @throws IsletError `invalid_request`, with the name of the outermost object's field as `param`.
 */
export function checkShape(text: string): Map<string, string> {
  const changed = new Map<string, string>()
  let [depth, names, items, digits] = [0, 0, 0, 0]
  /** Where the last string began and ended, and the one before the last colon of the outermost object. */
  let string = [0, 0]
  let field = [0, 0]
  /** Where that field's value begins, and whether JSON.parse may change it. */
  let [start, changes] = [0, false]
  const refuse = (says: string): IsletError => {
    const param = nameIn(text.slice(...field)).slice(0, 100)
    return new IsletError('invalid_request', `${param === '' ? 'The request body' : param} ${says}`, {
      param,
    })
  }
  const endField = (end: number): void => {
    if (!changes && changed.size === 0) return
    const name = nameIn(text.slice(...field))
    if (changes) changed.set(name, text.slice(start, end))
    else changed.delete(name)
    changes = false
  }
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= ZERO && unit <= NINE) {
      if (++digits > SAFE_DIGITS) changes = true
      if (digits > MAX_DIGITS) throw refuse(`has a number of more than ${MAX_DIGITS} digits in it`)
      continue
    }
    if (unit === DOT || (digits > 0 && (unit === SMALL_E || unit === LARGE_E))) changes = true
    digits = 0
    if (unit === QUOTE) {
      string = [i, (i = endOfString(text, i)) + 1]
    } else if (unit === COLON) {
      if (depth === 1) [field, start, changes] = [string, i + 1, false]
      else if (mayBeIndex(text.charCodeAt(string[0] + 1))) changes = true
      if (++names > MAX_NAMES) throw refuse(`has more than ${MAX_NAMES} names of fields in it; send less`)
    } else if (unit === COMMA || unit === OPEN_ARRAY || unit === OPEN_OBJECT) {
      if (unit !== COMMA) depth++
      else if (depth === 1) endField(i)
      // What holds anything has one item more than commas.
      if (++items > MAX_ITEMS) throw refuse(`has more than ${MAX_ITEMS} items in it; send less`)
    } else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) {
      if (--depth === 0) endField(i)
    }
  }
  return changed
}

/** Whether a key that begins so may be a number, which goes before all others in a plain object. */
function mayBeIndex(first: number): boolean {
  return (first >= ZERO && first <= NINE) || first === BACKSLASH
}

/** The place of the quote that ends the string which begins at `start`; the text's end where none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text.charCodeAt(before - 1) === BACKSLASH) before--
    if ((end - before) % 2 === 0) return end
  }
  return text.length
}

function nameIn(quoted: string): string {
  try {
    return quoted.length > 1000 ? quoted.slice(1, 101) : String(JSON.parse(quoted))
  } catch {
    return ''
  }
}
