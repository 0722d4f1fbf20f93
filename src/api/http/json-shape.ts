// The shape check counts names and items in JSON text before it is parsed, since each costs time later.

import { IsletError } from '../../lib/errors.ts'

/** Names in all objects: each costs about a microsecond, in an object of many of them. */
const MAX_NAMES = 100_000
/** Items in all arrays and objects, those of one level as much as those inside each other. */
const MAX_ITEMS = 300_000

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Passes text whose values can be parsed, checked and walked in little time; of text that is no JSON it says
 * nothing.
 * @throws IsletError `invalid_request`, with the name of the outermost object's field as `param`.
 */
export function checkShape(text: string): void {
  let [depth, names, items] = [0, 0, 0]
  /** Where the last string began and ended, and the one before the last colon of the outermost object. */
  let string = [0, 0]
  let field = [0, 0]
  const refuse = (says: string): IsletError => {
    const param = nameIn(text.slice(...field)).slice(0, 100)
    return new IsletError('invalid_request', `${param === '' ? 'The request body' : param} ${says}`, {
      param,
    })
  }
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) {
      string = [i, (i = endOfString(text, i)) + 1]
    } else if (unit === COLON) {
      if (depth === 1) field = string
      if (++names > MAX_NAMES) throw refuse(`has more than ${MAX_NAMES} names of fields in it; send less`)
    } else if (unit === COMMA || unit === OPEN_ARRAY || unit === OPEN_OBJECT) {
      if (unit !== COMMA) depth++
      // What holds anything has one item more than commas.
      if (++items > MAX_ITEMS) throw refuse(`has more than ${MAX_ITEMS} items in it; send less`)
    } else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) {
      depth--
    }
  }
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
