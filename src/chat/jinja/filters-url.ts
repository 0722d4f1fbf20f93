// The filters of URLs and XML write what Jinja's write.

import { defined, integerArg } from './arguments.ts'
import { native, type Bound } from './bind.ts'
import { TemplateError, valueError } from './errors.ts'
import { iterable, iterate, listOf, slicedText } from './iterate.ts'
import type { Meter } from './meter.ts'
import { bodyValue, markedText, quoted, str } from './repr.ts'
import { lengthOf } from './strings.ts'
import { Dict, textOf, truthy, typeName, Undefined, type Value } from './values.ts'

function urlQuoted(value: Value, query: boolean, meter: Meter): string {
  const text = str(value, meter).toWellFormed()
  meter.make(text.length * 9)
  const quotedText = encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return query ? quotedText.replaceAll('%20', '+') : quotedText.replaceAll('%2F', '/')
}

const WEB = new RegExp(
  String.raw`^(?:(?:https?://|www\.)(?:[\p{L}\p{N}_%-]+\.)*(?:[a-z]{2,63}|xn--[\p{L}\p{N}_%]{2,59})|` +
    String.raw`(?:[\p{L}\p{N}_%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|` +
    String.raw`https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?$`,
  'iu',
)
const MAIL = /^\S+@[\p{L}\p{N}_][\p{L}\p{N}_.-]*\.[\p{L}\p{N}_]+$/u
const PAIRS = [
  ['(', ')'],
  ['&lt;', '&gt;'],
] as const

const countOf = (text: string, what: string): number => text.split(what).length - 1

/** Links around what looks like an address of the web or of mail. */
function urlize(value: Value, args: readonly (Value | undefined)[], meter: Meter): Value {
  const [limit, nofollow, target, rel, schemes] = args
  const source = markedText(value, meter)
  meter.make(source.length * 4)
  const rels = new Set(`noopener ${rel == null ? '' : str(rel, meter)}`.split(/\s+/).filter(Boolean))
  if (nofollow !== undefined && truthy(nofollow)) rels.add('nofollow')
  const written = (name: string, of: Value): string => ` ${name}="${markedText(of, meter)}"`
  const opened = target == null || !truthy(target) ? '' : written('target', target)
  const attributes = written('rel', [...rels].sort().join(' ')) + opened
  const most = limit == null ? Infinity : integerArg(limit)
  const known = schemes == null ? [] : listOf(schemes, meter).map((each) => str(each, meter))
  const shown = (text: string): string =>
    lengthOf(text) > most ? `${slicedText(text, [undefined, most])}...` : text
  const link = (text: string): string => {
    if (WEB.test(text)) {
      const scheme = /^https?:\/\//.test(text) ? '' : 'https://'
      return `<a href="${scheme}${text}"${attributes}>${shown(text)}</a>`
    }
    const mail = text.replace(/^mailto:/, '')
    if (MAIL.test(mail) && (mail !== text || !/^(?:www\.|@)|:/.test(text)))
      return `<a href="mailto:${mail}">${mail}</a>`
    return known.reduce(
      (all, scheme) =>
        all !== scheme && all.startsWith(scheme) ? `<a href="${all}"${attributes}>${all}</a>` : all,
      text,
    )
  }
  const linked = source.replaceAll(/\S+/g, (word) => {
    const [head] = /^(?:\(|&lt;)*/.exec(word) ?? ['']
    let middle = word.slice(head.length)
    let [tail] = /(?:[).,]|&gt;)*$/.exec(middle) ?? ['']
    middle = middle.slice(0, middle.length - tail.length)
    for (const [open, close] of PAIRS) {
      const opens = countOf(middle, open)
      if (opens <= countOf(middle, close)) continue
      for (let left = Math.min(opens, countOf(tail, close)); left > 0; left--) {
        const end = tail.indexOf(close) + close.length
        middle += tail.slice(0, end)
        tail = tail.slice(end)
      }
    }
    return head + link(middle) + tail
  })
  return bodyValue(linked, meter)
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
        parts.push(`${markedText(key, meter)}="${markedText(item, meter)}"`)
      }
      return bodyValue((truthy(space) && parts.length > 0 ? ' ' : '') + parts.join(' '), meter)
    }),
  ],
  ['urlize', native('urlize', 'trim_url_limit? nofollow? target? rel? extra_schemes?', urlize)],
]
