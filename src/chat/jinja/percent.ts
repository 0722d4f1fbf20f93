// The operator % on a string fills in values as C's printf does.

import { Float } from '../../lib/exact-json.ts'
import { TemplateError, typeError, valueError } from './errors.ts'
import { numberParts } from './format.ts'
import { slicedText } from './iterate.ts'
import type { Meter } from './meter.ts'
import { asInteger, asNumber, integerOf } from './numbers.ts'
import { quoted, repr, str } from './repr.ts'
import { escapeHtml, lengthOf, padded } from './strings.ts'
import { Dict, Markup, textOf, Tuple, typeName, type Value } from './values.ts'

const DIRECTIVE = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?(.?)/gsu

/** `format % values`; of a marked string the values are escaped. */
export function percentFormat(format: string | Markup, values: Value, meter: Meter): Value {
  const marked = format instanceof Markup
  const given = values instanceof Tuple ? values.items : [values]
  let used = 0
  let size = 0
  const take = (): Value => {
    if (used === given.length) throw typeError('not enough arguments for format string')
    return given[used++]
  }
  const number = (text: string | undefined): number | undefined => {
    if (text !== '*') return text === undefined ? undefined : Number(text)
    const value = asInteger(take())
    if (value === undefined) throw typeError('* wants int')
    return Number(value)
  }
  let byName = false
  const text = (marked ? format.text : format).replaceAll(
    DIRECTIVE,
    (
      _,
      name: string | undefined,
      flags: string,
      wide: string | undefined,
      exact: string | undefined,
      type: string,
    ) => {
      if (type === '%') return '%'
      if (type === '') throw valueError('incomplete format')
      const width = number(wide)
      const precision = number(exact)
      if (name !== undefined) byName = true
      const value = name === undefined ? take() : named(values, name)
      meter.make((width ?? 0) + (precision ?? 0))
      const part = one(value, { flags, width: width ?? 0, precision, type }, meter, marked)
      size += part.length
      meter.make(size)
      return part
    },
  )
  const rest =
    values instanceof Tuple
      ? used < given.length
      : used === 0 && !byName && !(values instanceof Dict) && !Array.isArray(values)
  if (rest && !byName) throw typeError('not all arguments converted during string formatting')
  return marked ? new Markup(text) : text
}

function named(values: Value, name: string): Value {
  if (!(values instanceof Dict)) throw typeError('format requires a mapping')
  const value = values.get(name)
  if (value === undefined) throw new TemplateError('KeyError', quoted(name))
  return value
}

type Directive = { flags: string; width: number; precision: number | undefined; type: string }

function one(value: Value, directive: Directive, meter: Meter, marked: boolean): string {
  const { flags, precision, type } = directive
  const width = Math.abs(directive.width)
  const left = flags.includes('-') || directive.width < 0
  const place = (text: string): string => padded(text, width, ' ', left ? '<' : '>')
  const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '-'
  const alternate = flags.includes('#')
  if ('sra'.includes(type)) {
    const text = type === 's' ? str(value, meter) : repr(value, meter)
    const safe = marked && !(value instanceof Markup) ? escapeHtml(text) : text
    return place(precision === undefined ? safe : slicedText(safe, [0, precision]))
  }
  if (type === 'c') {
    const text = textOf(value)
    if (text !== undefined && lengthOf(text) === 1) return place(text)
    const code = asInteger(value)
    if (code === undefined) throw typeError('%c requires int or char')
    return place(String.fromCodePoint(Number(code)))
  }
  const whole = 'diuxXo'.includes(type)
  if (!whole && !'eEfFgG'.includes(type))
    throw valueError(`unsupported format character '${type}' (0x${(type.codePointAt(0) ?? 0).toString(16)})`)
  const amount = asNumber(value)
  if (amount === undefined || (value instanceof Float && 'xXo'.includes(type)))
    throw typeError(
      whole
        ? `%${type} format: ${'xXo'.includes(type) ? 'an integer' : 'a real number'} is required, not ${typeName(value)}`
        : `must be real number, not ${typeName(value)}`,
    )
  const exact = whole && value instanceof Float ? integerOf(BigInt(Math.trunc(value.value))) : value
  const style = {
    sign,
    alternate,
    group: '',
    precision: whole ? undefined : precision,
    type: /[iu]/.test(type) ? 'd' : type,
  }
  const { head, body } = numberParts(exact, style)
  const digits = whole && precision !== undefined ? padded(body, precision, '0', '>') : body
  if (flags.includes('0') && !left) return head + padded(digits, width - head.length, '0', '>')
  return place(head + digits)
}
