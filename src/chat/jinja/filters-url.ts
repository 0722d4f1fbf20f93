// The filters of URLs and XML write what Jinja's write.

import { defined } from './arguments.ts'
import { native, type Bound } from './bind.ts'
import { TemplateError, Unsupported, valueError } from './errors.ts'
import { iterable, iterate, listOf } from './iterate.ts'
import type { Meter } from './meter.ts'
import { quoted, str } from './repr.ts'
import { escapeHtml } from './strings.ts'
import { Dict, Markup, textOf, truthy, typeName, Undefined, type Value } from './values.ts'

function urlQuoted(value: Value, query: boolean, meter: Meter): string {
  const text = str(value, meter).toWellFormed()
  meter.make(text.length * 9)
  const quotedText = encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return query ? quotedText.replaceAll('%20', '+') : quotedText.replaceAll('%2F', '/')
}

function escaped(value: Value, meter: Meter): string {
  return value instanceof Markup ? value.text : escapeHtml(str(value, meter))
}

export const URL_FILTERS: readonly [string, Bound][] = [
  [
    'urlencode',
    native('urlencode', '', (value, _, meter) => {
      if (textOf(value) !== undefined || !iterable(value)) return urlQuoted(value, false, meter)
      const pairs = value instanceof Dict ? value.items() : iterate(value, meter)
      return Array.from(pairs, (pair) => {
        const [key, item, ...more] = listOf(pair, meter)
        if (item === undefined || more.length > 0) throw valueError('expected pairs to unpack')
        return `${urlQuoted(key, true, meter)}=${urlQuoted(item, true, meter)}`
      }).join('&')
    }),
  ],
  [
    'xmlattr',
    native('xmlattr', 'autospace?', (value, [space = true], meter) => {
      const dict = defined(value)
      if (!(dict instanceof Dict))
        throw new TemplateError('AttributeError', `'${typeName(value)}' object has no attribute 'items'`)
      const parts: string[] = []
      for (const [key, item] of dict.entries.values()) {
        if (item === null || item instanceof Undefined) continue
        const name = str(key, meter)
        if (/[\s/>=]/.test(name)) throw valueError(`Invalid character in attribute name: ${quoted(name)}`)
        parts.push(`${escaped(key, meter)}="${escaped(item, meter)}"`)
      }
      return (truthy(space) && parts.length > 0 ? ' ' : '') + parts.join(' ')
    }),
  ],
  [
    'urlize',
    () => {
      throw new Unsupported('the filter urlize')
    },
  ],
]
