// The filters map, select and reject apply other filters and tests to each item of a sequence.

import type { Bound } from './bind.ts'
import { attributePath } from './paths.ts'
import { TemplateError } from './errors.ts'
import { iterate } from './iterate.ts'
import type { Meter } from './meter.ts'
import { str } from './repr.ts'
import { TESTS } from './tests.ts'
import { Generator, truthy, Undefined, type Named, type Value } from './values.ts'

type Find = (name: string) => Bound | undefined

/** The filters of this file, with what finds a filter by its name. */
export function selectors(filter: Find): [string, Bound][] {
  return [
    ['map', (meter, value, args, named) => new Generator(mapped(value, args, named, meter, filter))],
    ...choosers('select', false),
    ...choosers('reject', true),
  ]
}

function choosers(name: string, negated: boolean): [string, Bound][] {
  return [false, true].map((attribute): [string, Bound] => [
    attribute ? `${name}attr` : name,
    (meter, value, args, named) => new Generator(chosen(value, args, named, meter, { negated, attribute })),
  ])
}

function* mapped(
  value: Value,
  args: readonly Value[],
  named: Named,
  meter: Meter,
  filter: Find,
): Iterable<Value> {
  if (!truthy(value)) return
  if (args.length === 0 && named.has('attribute')) {
    const other = [...named.keys()].find((key) => key !== 'attribute' && key !== 'default')
    if (other !== undefined) throw argumentError(`Unexpected keyword argument '${other}'`)
    const get = attributePath(named.get('attribute') ?? null, meter, named.get('default'))
    for (const item of iterate(value, meter)) yield get(item)
    return
  }
  if (args.length === 0) throw argumentError('map requires a filter argument')
  const found = lookup(args[0], 'filter', meter, filter)
  for (const item of iterate(value, meter)) yield found(meter, item, args.slice(1), named)
}

type Choice = { negated: boolean; attribute: boolean }

function* chosen(
  value: Value,
  args: readonly Value[],
  named: Named,
  meter: Meter,
  { negated, attribute }: Choice,
): Iterable<Value> {
  if (!truthy(value)) return
  if (attribute && args.length === 0) throw argumentError('Missing parameter for attribute name')
  const get = attribute ? attributePath(args[0], meter) : (item: Value): Value => item
  const [name, ...rest] = attribute ? args.slice(1) : args
  const test = name === undefined ? undefined : lookup(name, 'test', meter, (each) => TESTS.get(each))
  for (const item of iterate(value, meter)) {
    const asked = get(item)
    const answer = test === undefined ? asked : test(meter, asked, rest, named)
    if (truthy(answer) !== negated) yield item
  }
}

function lookup(name: Value, what: string, meter: Meter, find: Find): Bound {
  const text = str(name, meter)
  const found = find(text)
  if (found === undefined || name instanceof Undefined)
    throw new TemplateError('TemplateRuntimeError', `No ${what} named '${text}'.`)
  return found
}

function argumentError(says: string): TemplateError {
  return new TemplateError('FilterArgumentError', says)
}
