// The methods of Python's str, as far as a template can call them.

import { integerArg, textArg } from './arguments.ts'
import { native, type Bound, type Native } from './bind.ts'
import { typeError, Unsupported, valueError } from './errors.ts'
import { listOf, slicedText } from './iterate.ts'
import type { Meter } from './meter.ts'
import { asInteger } from './numbers.ts'
import {
  capitalized,
  isSpace,
  lengthOf,
  linesOf,
  padded,
  pointsOf,
  SPACE,
  stripped,
  titleCase,
  type Side,
} from './strings.ts'
import { Dict, textOf, Tuple, typeName, type Value } from './values.ts'

export const TEXT_METHODS = new Map<string, Bound<string>>()

function add(names: string, signature: string, body: (name: string) => Native<string>): void {
  for (const name of names.split(' ')) {
    const inner = body(name)
    const counted: Native<string> = (text, args, meter) => {
      meter.take(text.length / 64)
      return inner(text, args, meter)
    }
    TEXT_METHODS.set(name, native(`str.${name}`, signature, counted))
  }
}

const SIDES: Readonly<Record<string, Side>> = { strip: 'both', lstrip: 'start', rstrip: 'end' }
add('strip lstrip rstrip', '/ chars?', (name) => (text, [characters]) => {
  if (characters !== undefined && characters !== null && textOf(characters) === undefined)
    throw typeError(`${name} arg must be None or str`)
  return stripped(text, characters == null ? undefined : textArg(characters), SIDES[name])
})

add('upper', '', () => (text) => text.toUpperCase())
add('lower', '', () => (text) => text.toLowerCase())
add(
  'casefold',
  '',
  () => (text) => text.replaceAll('ẞ', 'ss').toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ'),
)
add('capitalize', '', () => (text) => capitalized(text))
add('title', '', () => (text) => titleCase(text))
add(
  'swapcase',
  '',
  () => (text) =>
    Array.from(text, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join(''),
)

add('split rsplit', 'sep? maxsplit?', (name) => (text, [by, most], meter) => {
  const limit = integerArg(most, -1)
  const end = name === 'rsplit'
  if (by == null) return splitAtSpace(text, limit, end, meter)
  const separator = textArg(by)
  if (separator === '') throw valueError('empty separator')
  meter.seek(text.length, separator.length)
  const parts = text.split(separator)
  meter.make(parts.length * 64)
  if (limit < 0 || parts.length <= limit + 1) return parts
  return end
    ? [parts.slice(0, parts.length - limit).join(separator), ...parts.slice(parts.length - limit)]
    : [...parts.slice(0, limit), parts.slice(limit).join(separator)]
})

const WORDS = new RegExp(`[^${SPACE}]+`, 'g')

function splitAtSpace(text: string, limit: number, end: boolean, meter: Meter): string[] {
  const words = Array.from(text.matchAll(WORDS))
  meter.make(words.length * 64)
  const all = words.map(([word]) => word)
  if (limit < 0 || all.length <= limit) return all
  if (end) {
    if (limit === 0) return [stripped(text, undefined, 'end')]
    const first = words[words.length - limit]
    const head = stripped(text.slice(0, first.index), undefined, 'end')
    return [head, ...all.slice(words.length - limit)]
  }
  return [...all.slice(0, limit), text.slice(words[limit].index)].map((part, i) =>
    i === limit && limit === 0 ? stripped(part, undefined, 'start') : part,
  )
}

add('splitlines', 'keepends?', () => (text, [keep], meter) => {
  const lines = linesOf(text, keep !== undefined && keep !== null && keep !== false && keep !== 0)
  meter.make(lines.length * 64)
  return lines
})

add('partition rpartition', '/ sep', (name) => (text, [by], meter) => {
  const separator = textArg(by)
  if (separator === '') throw valueError('empty separator')
  meter.seek(text.length, separator.length)
  const at = name === 'partition' ? text.indexOf(separator) : text.lastIndexOf(separator)
  if (at < 0) return new Tuple(name === 'partition' ? [text, '', ''] : ['', '', text])
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)])
})

add(
  'replace',
  '/ old new count?',
  () =>
    (text, [old, by, count], meter) =>
      replaced(text, textArg(old), textArg(by), integerArg(count, -1), meter),
)

/** `str.replace`. */
export function replaced(text: string, old: string, by: string, count: number, meter: Meter): string {
  meter.seek(text.length, old.length)
  const parts = old === '' ? ['', ...Array.from(text), ''] : text.split(old)
  const gaps = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1)
  meter.make(text.length + gaps * by.length)
  if (old === '') {
    const head = parts.slice(1, 1 + Math.max(0, gaps - 1)).map((character) => character + by)
    return gaps === 0 ? text : by + head.join('') + parts.slice(gaps).join('')
  }
  return (
    parts.slice(0, gaps + 1).join(by) +
    parts
      .slice(gaps + 1)
      .map((part) => old + part)
      .join('')
  )
}

add('join', '/ items', () => (text, [items], meter) => {
  const parts = listOf(items ?? null, meter)
  let size = 0
  const texts = parts.map((part, i) => {
    const item = textOf(part)
    if (item === undefined)
      throw typeError(`sequence item ${i}: expected str instance, ${typeName(part)} found`)
    size += item.length + text.length
    return item
  })
  meter.make(size)
  return texts.join(text)
})

/** The part of a text that `start` and `end` choose, and where it begins in code points. */
function ranged(
  text: string,
  start: Value | undefined,
  end: Value | undefined,
): { part: string; from: number } {
  if (start == null && end == null) return { part: text, from: 0 }
  const length = lengthOf(text)
  const place = (value: Value | undefined, otherwise: number): number => {
    const at = value == null ? otherwise : integerArg(value)
    return Math.min(Math.max(at < 0 ? at + length : at, 0), length)
  }
  const from = place(start, 0)
  return { part: slicedText(text, [from, place(end, length)]), from: integerOr(start, length) ?? from }
}

/** A start beyond the end finds nothing, not even the empty text. */
function integerOr(start: Value | undefined, length: number): number | undefined {
  const at = start == null ? undefined : Number(asInteger(start))
  return at !== undefined && at > length ? at : undefined
}

add('find rfind index rindex', '/ sub start? end?', (name) => (text, [what, start, end], meter) => {
  const { part, from } = ranged(text, start, end)
  const sought = textArg(what)
  meter.seek(part.length, sought.length)
  const at = name.startsWith('r') ? part.lastIndexOf(sought) : part.indexOf(sought)
  if (at >= 0 && from <= lengthOf(text)) return from + lengthOf(part.slice(0, at))
  if (name.endsWith('index')) throw valueError('substring not found')
  return -1
})

add('count', '/ sub start? end?', () => (text, [what, start, end], meter) => {
  const { part } = ranged(text, start, end)
  const sought = textArg(what)
  meter.seek(part.length, sought.length)
  return sought === '' ? lengthOf(part) + 1 : part.split(sought).length - 1
})

add('startswith endswith', '/ prefix start? end?', (name) => (text, [what, start, end]) => {
  const { part, from } = ranged(text, start, end)
  const options = what instanceof Tuple ? what.items : [what ?? null]
  return options.some((option) => {
    const sought = textOf(option)
    if (sought === undefined)
      throw typeError(`${name} first arg must be str or a tuple of str, not ${typeName(option)}`)
    if (from > lengthOf(text)) return false
    return name === 'startswith' ? part.startsWith(sought) : part.endsWith(sought)
  })
})

add('removeprefix', '/ prefix', () => (text, [what]) => {
  const prefix = textArg(what)
  return text.startsWith(prefix) ? text.slice(prefix.length) : text
})
add('removesuffix', '/ suffix', () => (text, [what]) => {
  const suffix = textArg(what)
  return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text
})

add('ljust rjust center', '/ width fillchar?', (name) => (text, [width, fill], meter) => {
  const wide = integerArg(width)
  const filler = fill === undefined ? ' ' : textArg(fill)
  if (lengthOf(filler) !== 1) throw typeError('The fill character must be exactly one character long')
  meter.make(wide)
  if (name !== 'center') return padded(text, wide, filler, name === 'ljust' ? '<' : '>')
  return centered(text, wide, filler)
})

/** `str.center` puts the odd space before a text of even length. */
export function centered(text: string, width: number, fill = ' '): string {
  const length = lengthOf(text)
  const missing = width - length
  if (missing <= 0) return text
  const before = Math.floor(missing / 2) + (missing & width & 1)
  return fill.repeat(before) + text + fill.repeat(missing - before)
}

add('zfill', '/ width', () => (text, [width], meter) => {
  const wide = integerArg(width)
  meter.make(wide)
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + padded(text.slice(sign.length), wide - sign.length, '0', '>')
})

add('expandtabs', 'tabsize?', () => (text, [size], meter) => {
  const tab = integerArg(size, 8)
  meter.make(text.length * Math.max(1, tab))
  let column = 0
  let out = ''
  for (const character of text) {
    if (character === '\t') {
      const spaces = tab <= 0 ? 0 : tab - (column % tab)
      out += ' '.repeat(spaces)
      column += spaces
    } else {
      out += character
      column = character === '\n' || character === '\r' ? 0 : column + 1
    }
  }
  return out
})

add('translate', '/ table', () => (text, [table]) => {
  if (!(table instanceof Dict)) throw new Unsupported('translate with a table that is no dict')
  return Array.from(text, (character) => {
    const by = table.get(character.codePointAt(0) ?? 0)
    if (by === undefined) return character
    if (by === null) return ''
    const code = asInteger(by)
    return code === undefined ? textArg(by) : String.fromCodePoint(Number(code))
  }).join('')
})
add('encode', 'encoding? errors?', () => () => {
  throw new Unsupported('bytes, which encode would give')
})

const CASED = /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u
// Written as escapes: one letter beyond ASCII in the script doubles what an isolate holds of it.
const DIGIT = String.raw`\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792`
const KINDS: Readonly<Record<string, RegExp>> = {
  isalpha: /^\p{L}+$/u,
  isdecimal: /^\p{Nd}+$/u,
  isdigit: new RegExp(`^[${DIGIT}]+$`, 'u'),
  isnumeric:
    /^[\p{N}\u3007\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e\u5343\u4e07\u5104\u5146]+$/u,
  isalnum: /^[\p{L}\p{N}]+$/u,
  isascii: /^[^\u0080-\u{10ffff}]*$/u,
  isidentifier: /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u,
  isprintable: /^(?:(?![\p{C}\p{Z}]).| )*$/su,
}
add(Object.keys(KINDS).join(' '), '', (name) => (text) => KINDS[name].test(text))
add('isspace', '', () => (text) => text !== '' && Array.from(pointsOf(text)).every(isSpace))
add('islower', '', () => (text) => CASED.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text))
add('isupper', '', () => (text) => CASED.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text))
add('istitle', '', () => (text) => CASED.test(text) && titleCase(text) === text)
