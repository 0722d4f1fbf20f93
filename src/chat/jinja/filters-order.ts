// The filters that order, group and choose by order.

import { native, type Bound } from './bind.ts'
import { equals, ordered, sortedBy } from './compare.ts'
import { TemplateError, typeError } from './errors.ts'
import { iterate, listOf } from './iterate.ts'
import { attributePath, attributePaths, foldCase, type Get } from './paths.ts'
import { defined } from './arguments.ts'
import { Dict, Generator, hashOf, textOf, truthy, Tuple, typeName, Undefined, type Value } from './values.ts'

function given(value: Value | undefined): boolean {
  return value !== undefined && truthy(value)
}

function folding(get: Get, caseSensitive: Value | undefined): Get {
  return given(caseSensitive) ? get : (item) => foldCase(get(item))
}

function extreme(name: 'min' | 'max'): [string, Bound] {
  const op = name === 'min' ? '<' : '>'
  return [
    name,
    native(name, 'case_sensitive? attribute?', (value, [sensitive, attribute = null], meter) => {
      const get = folding(attributePath(attribute, meter), sensitive)
      let best: { item: Value; key: Value } | undefined
      for (const item of iterate(value, meter)) {
        const key = get(item)
        if (best === undefined || ordered(key, op, best.key, meter)) best = { item, key }
      }
      return best === undefined ? new Undefined('No aggregated item, sequence was empty.') : best.item
    }),
  ]
}

export const ORDER_FILTERS: readonly [string, Bound][] = [
  extreme('min'),
  extreme('max'),
  [
    'sort',
    native(
      'sort',
      'reverse? case_sensitive? attribute?',
      (value, [reverse, sensitive, attribute = null], meter) => {
        const get = attributePaths(attribute, meter)
        const key = (item: Value): Value => (given(sensitive) ? get(item) : get(item).map(foldCase))
        return sortedBy(listOf(value, meter), key, given(reverse), meter)
      },
    ),
  ],
  [
    'dictsort',
    native('dictsort', 'case_sensitive? by? reverse?', (value, [sensitive, by = 'key', reverse], meter) => {
      const at = textOf(by) === 'key' ? 0 : 1
      if (at === 1 && textOf(by) !== 'value')
        throw new TemplateError('FilterArgumentError', 'You can only sort by either "key" or "value"')
      const dict = defined(value)
      if (!(dict instanceof Dict))
        throw new TemplateError('AttributeError', `'${typeName(value)}' object has no attribute 'items'`)
      const key = folding((pair) => (pair as Tuple).items[at], sensitive)
      return sortedBy(dict.items(), key, given(reverse), meter)
    }),
  ],
  [
    'unique',
    native('unique', 'case_sensitive? attribute?', (value, [sensitive, attribute = null], meter) => {
      const get = folding(attributePath(attribute, meter), sensitive)
      return new Generator(uniqueItems(iterate(value, meter), get))
    }),
  ],
  [
    'groupby',
    native(
      'groupby',
      'attribute default? case_sensitive?',
      (value, [attribute = null, otherwise, sensitive], meter) => {
        const plain = attributePath(attribute, meter, otherwise)
        const get = folding(plain, sensitive)
        const groups: { key: Value; items: Value[] }[] = []
        for (const item of sortedBy(listOf(value, meter), get, false, meter)) {
          const key = get(item)
          const last = groups.at(-1)
          if (last !== undefined && equals(last.key, key, meter)) last.items.push(item)
          else groups.push({ key, items: [item] })
        }
        return groups.map(({ items }) => new Tuple([plain(items[0]), items], ['grouper', 'list']))
      },
    ),
  ],
]

function* uniqueItems(items: Iterable<Value>, get: Get): Iterable<Value> {
  const seen = new Set<unknown>()
  for (const item of items) {
    const key = get(item)
    if (Array.isArray(key)) throw typeError("unhashable type: 'list'")
    const hash = hashOf(key)
    if (seen.has(hash)) continue
    seen.add(hash)
    yield item
  }
}
