// The filters of text work as Jinja's do.

import { defined, integerArg, textArg } from './arguments.ts'
import { native, type Bound } from './bind.ts'
import { TemplateError, Unsupported } from './errors.ts'
import { sortedBy } from './compare.ts'
import { slicedText } from './iterate.ts'
import type { Meter } from './meter.ts'
import { percentFormat } from './percent.ts'
import { markedText, repr, str } from './repr.ts'
import { capitalized, escapeHtml, lengthOf, linesOf, SPACE, stripped } from './strings.ts'
import { binary } from './operators.ts'
import { centered, replaced } from './text-methods.ts'
import { wrapped } from './wrap.ts'
import { Dict, dictOf, Markup, textOf, truthy, Tuple, type Value } from './values.ts'

/** A filter of the value as a string, whose result is marked if that was. */
function text(
  name: string,
  signature: string,
  body: (text: string, args: readonly (Value | undefined)[], meter: Meter) => string,
): [string, Bound] {
  return [
    name,
    native(name, signature, (value, args, meter) => {
      const source = str(value, meter)
      meter.take(source.length / 64)
      const result = body(source, args, meter)
      return value instanceof Markup ? new Markup(result) : result
    }),
  ]
}

const escape = native('escape', '', (value, _, meter) =>
  value instanceof Markup ? value : new Markup(markedText(value, meter)),
)

const WORD_START = new RegExp(`([-${SPACE}({\\[<]+)`)

export const TEXT_FILTERS: readonly [string, Bound][] = [
  text('upper', '', (value) => value.toUpperCase()),
  text('lower', '', (value) => value.toLowerCase()),
  text('capitalize', '', (value) => capitalized(value)),
  text('title', '', (value) =>
    value
      .split(WORD_START)
      .map((part) => {
        const [first = ''] = part
        return first.toUpperCase() + part.slice(first.length).toLowerCase()
      })
      .join(''),
  ),
  text('trim', 'chars?', (value, [characters]) =>
    stripped(value, characters == null ? undefined : textArg(characters), 'both'),
  ),
  text('center', 'width?', (value, [width], meter) => {
    const wide = integerArg(width, 80)
    meter.make(wide)
    return centered(value, wide)
  }),
  [
    'string',
    native('string', '', (value, _, meter) => (value instanceof Markup ? value : str(value, meter))),
  ],
  ['safe', native('safe', '', (value, _, meter) => new Markup(str(value, meter)))],
  ['escape', escape],
  ['e', escape],
  ['forceescape', native('forceescape', '', (value, _, meter) => new Markup(escapeHtml(str(value, meter))))],
  [
    'replace',
    native('replace', 'old new count?', (value, [old = '', by = '', count], meter) => {
      const marked = meter.escapes && [value, old, by].some((each) => each instanceof Markup)
      const write = marked ? markedText : str
      const most = count == null ? -1 : integerArg(count)
      const text = replaced(write(value, meter), str(old, meter), write(by, meter), most, meter)
      return marked ? new Markup(text) : text
    }),
  ],
  [
    'format',
    (meter, value, args, named) => {
      if (args.length > 0 && named.size > 0)
        throw new TemplateError(
          'FilterArgumentError',
          "can't handle positional and keyword arguments at the same time",
        )
      const format = value instanceof Markup ? value : str(value, meter)
      return percentFormat(format, named.size > 0 ? dictOf(named) : new Tuple(args), meter)
    },
  ],
  [
    'indent',
    native('indent', 'width? first? blank?', (value, [width = 4, first, blank], meter) => {
      const by = textOf(width) ?? indentOf(integerArg(width), meter)
      const source = textOf(binary('+', value, '\n', meter)) ?? ''
      const lines = linesOf(source)
      const all = blank !== undefined && truthy(blank)
      meter.make(source.length + lines.length * by.length)
      const [head = '', ...rest] = lines
      const tail = rest.map((line) => `\n${line === '' && !all ? '' : by}${line}`).join('')
      const result = (first !== undefined && truthy(first) ? by : '') + head + tail
      return value instanceof Markup ? new Markup(result) : result
    }),
  ],
  [
    'truncate',
    native(
      'truncate',
      'length? killwords? end? leeway?',
      (value, [length, kill, end = '...', leeway], meter) => {
        const [wide, tail] = [integerArg(length, 255), textArg(end)]
        const spare = leeway == null ? 5 : integerArg(leeway)
        const size = lengthOf(tail)
        if (wide < size) throw new TemplateError('AssertionError', `expected length >= ${size}, got ${wide}`)
        if (spare < 0) throw new TemplateError('AssertionError', `expected leeway >= 0, got ${spare}`)
        const source = textArg(defined(value))
        meter.make(source.length)
        if (lengthOf(source) <= wide + spare) return value
        const cut = slicedText(source, [0, wide - size])
        if (kill !== undefined && truthy(kill)) return cut + tail
        const at = cut.lastIndexOf(' ')
        return (at < 0 ? cut : cut.slice(0, at)) + tail
      },
    ),
  ],
  [
    'wordwrap',
    native(
      'wordwrap',
      'width? break_long_words? wrapstring? break_on_hyphens?',
      (value, [width, long, by, hyphens], meter) => {
        const style = {
          width: integerArg(width, 79),
          breakLong: long === undefined || truthy(long),
          breakHyphens: hyphens === undefined || truthy(hyphens),
        }
        const between = by == null ? '\n' : textArg(by)
        const lines = linesOf(textArg(defined(value))).map((line) =>
          wrapped(line, style, meter).join(between),
        )
        return lines.join(between)
      },
    ),
  ],
  [
    'wordcount',
    native('wordcount', '', (value, _, meter) => {
      const source = str(value, meter)
      meter.make(source.length)
      return source.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0
    }),
  ],
  [
    'striptags',
    native('striptags', '', (value, _, meter) => {
      const source = str(value, meter)
      meter.make(source.length * 4)
      return unescaped(withoutTags(source))
        .split(new RegExp(`[${SPACE}]+`))
        .filter((word) => word !== '')
        .join(' ')
    }),
  ],
  [
    'pprint',
    native('pprint', '', (value, _, meter) => {
      const line = repr(inOrder(value, meter), meter)
      if (line.length > 78) throw new Unsupported('pprint of more than a line')
      return line
    }),
  ],
]

/** Dicts by their keys, as pprint writes them. */
function inOrder(value: Value, meter: Meter): Value {
  if (Array.isArray(value)) return value.map((item) => inOrder(item, meter))
  if (!(value instanceof Dict)) return value
  const keys = sortedBy(value.keys(), (key) => key, false, meter)
  return dictOf(keys.map((key) => [key, inOrder(value.get(key) ?? null, meter)]))
}

function indentOf(width: number, meter: Meter): string {
  meter.make(width)
  return ' '.repeat(Math.max(0, width))
}

/** Comments first, then tags; what has no end stays. */
function withoutTags(source: string): string {
  return source.replaceAll(/<!--[^]*?-->/g, '').replaceAll(/<[^>]*>/g, '')
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\xa0',
}

function unescaped(source: string): string {
  return source.replaceAll(
    /&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi,
    (all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? all
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
      return code > 0 && code < 0x110000 ? String.fromCodePoint(code) : '\ufffd'
    },
  )
}
