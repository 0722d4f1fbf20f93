// The filters of sequences and mappings work as Jinja's do.

import { integerArg } from './arguments.ts'
import { ownAttribute } from './attributes.ts'
import { native, type Bound } from './bind.ts'
import { TemplateError, typeError, valueError } from './errors.ts'
import { iterable, iterate, listOf, reversedOf, sizeOf, slicedText } from './iterate.ts'
import { dumps } from './json.ts'
import { asInteger } from './numbers.ts'
import { binary } from './operators.ts'
import { attributePath } from './paths.ts'
import { markedText, str } from './repr.ts'
import { Dict, Generator, Markup, textOf, truthy, Tuple, typeName, Undefined, type Value } from './values.ts'

const length = native('len', '', (value) => {
  const size = sizeOf(value)
  if (size === undefined) throw typeError(`object of type '${typeName(value)}' has no len()`)
  return size
})

const otherwise = native('default', 'default_value? boolean?', (value, [instead = '', boolean]) =>
  value instanceof Undefined || (boolean !== undefined && truthy(boolean) && !truthy(value))
    ? instead
    : value,
)

function separatorsOf(value: Value | undefined, indent: Value | undefined): readonly [string, string] {
  if (value == null) return [indent == null ? ', ' : ',', ': ']
  const items = value instanceof Tuple ? value.items : Array.isArray(value) ? value : []
  const [item, key] = items.map((each) => textOf(each))
  if (items.length !== 2 || item === undefined || key === undefined)
    throw typeError('separators wants two strings')
  return [item, key]
}

export const SEQUENCE_FILTERS: readonly [string, Bound][] = [
  ['length', length],
  ['count', length],
  ['default', otherwise],
  ['d', otherwise],
  [
    'first',
    native('first', '', (value, _, meter) => {
      if (Array.isArray(value) && value.length > 0) return value[0]
      for (const item of iterate(value, meter)) return item
      return new Undefined('No first item, sequence was empty.')
    }),
  ],
  [
    'last',
    native('last', '', (value, _, meter) => {
      if (Array.isArray(value) && value.length > 0) return value[value.length - 1]
      if (value instanceof Undefined) throw typeError("'Undefined' object is not reversible")
      const items = reversedOf(value, meter)
      if (items === undefined) throw typeError(`'${typeName(value)}' object is not reversible`)
      for (const item of items) return item
      return new Undefined('No last item, sequence was empty.')
    }),
  ],
  [
    'random',
    native('random', '', (value, _, meter) => {
      const items = listOf(value, meter)
      if (items.length === 0) return new Undefined('No random item, sequence was empty.')
      return items[Math.floor(Math.random() * items.length)]
    }),
  ],
  ['list', native('list', '', (value, _, meter) => listOf(value, meter))],
  [
    'items',
    native('items', '', (value) => {
      if (value instanceof Undefined) return new Generator([])
      if (!(value instanceof Dict)) throw typeError('Can only get item pairs from a mapping.')
      return new Generator(value.items())
    }),
  ],
  [
    'join',
    native('join', 'd? attribute?', (value, [between = '', attribute], meter) => {
      const get = attribute == null ? undefined : attributePath(attribute, meter)
      const all = iterate(value, meter)
      const items = get === undefined ? all : Array.from(all, get)
      const list = meter.escapes ? Array.from(items) : []
      const marked = [between, ...list].some((each) => meter.escapes && each instanceof Markup)
      const write = marked ? markedText : str
      const separator = write(between, meter)
      let size = 0
      const texts: string[] = []
      for (const item of meter.escapes ? list : items) {
        const text = write(item, meter)
        size += text.length + separator.length
        if (size > 1 << 20) meter.make(size)
        texts.push(text)
      }
      meter.make(size)
      const text = texts.join(separator)
      return marked ? new Markup(text) : text
    }),
  ],
  [
    'reverse',
    native('reverse', '', (value, _, meter) => {
      const text = textOf(value)
      if (text !== undefined) {
        meter.make(text.length)
        const turned = slicedText(text, [undefined, undefined, -1])
        return value instanceof Markup ? new Markup(turned) : turned
      }
      if (!iterable(value)) throw new TemplateError('FilterArgumentError', 'argument must be iterable')
      return reversedOf(value, meter) ?? listOf(value, meter).reverse()
    }),
  ],
  [
    'sum',
    native('sum', 'attribute? start?', (value, [attribute, start = 0], meter) => {
      const get = attribute == null ? undefined : attributePath(attribute, meter)
      if (textOf(start) !== undefined) throw typeError("sum() can't sum strings [use ''.join(seq) instead]")
      let sum = start
      for (const item of iterate(value, meter))
        sum = binary('+', sum, get === undefined ? item : get(item), meter)
      return sum
    }),
  ],
  [
    'batch',
    native('batch', 'linecount fill_with?', (value, [count, fill = null], meter) => {
      const size = integerArg(count)
      return new Generator(batches(iterate(value, meter), size, fill))
    }),
  ],
  [
    'slice',
    native('slice', 'slices fill_with?', (value, [count, fill = null], meter) => {
      const slices = integerArg(count)
      const items = listOf(value, meter)
      if (slices === 0) throw new TemplateError('ZeroDivisionError', 'integer division or modulo by zero')
      meter.make(slices * 16)
      const [each, more] = [Math.floor(items.length / slices), items.length % slices]
      const parts: Value[] = []
      for (let i = 0, at = 0; i < slices; i++) {
        const part = items.slice(at, (at += each + (i < more ? 1 : 0)))
        parts.push(fill !== null && i >= more ? [...part, fill] : part)
      }
      return new Generator(parts)
    }),
  ],
  [
    'attr',
    native('attr', 'name', (of, [name = null]) => {
      const text = textOf(name)
      if (text === undefined) throw typeError('attribute name must be string')
      const found = ownAttribute(of, text)
      return found !== undefined
        ? found
        : new Undefined(`'${typeName(of)} object' has no attribute '${text}'`)
    }),
  ],
  [
    'tojson',
    native(
      'tojson',
      'ensure_ascii? indent? separators? sort_keys?',
      (value, [ascii, indent, separators, sort], meter) => {
        const width = indent == null ? undefined : asInteger(indent)
        if (width !== undefined) meter.make(Math.max(0, Number(width)))
        const style = {
          ascii: ascii !== undefined && truthy(ascii),
          indent:
            width === undefined
              ? indent == null
                ? undefined
                : textOf(indent)
              : ' '.repeat(Math.max(0, Number(width))),
          separators: separatorsOf(separators, indent),
          sortKeys: sort !== undefined && truthy(sort),
        }
        return dumps(value, style, meter)
      },
    ),
  ],
]

function* batches(items: Iterable<Value>, size: number, fill: Value): Iterable<Value> {
  let batch: Value[] = []
  for (const item of items) {
    if (batch.length === size) {
      yield batch
      batch = []
    }
    batch.push(item)
  }
  if (batch.length === 0) return
  if (size > 1 << 20) throw valueError('a batch is too large')
  while (fill !== null && batch.length < size) batch.push(fill)
  yield batch
}
