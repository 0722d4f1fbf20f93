// The globals of a template: what Jinja and transformers let every template call.

import { integerArg, textArg } from './arguments.ts'
import { freeCall } from './bind.ts'
import { fromKeys } from './container-methods.ts'
import { TemplateError, typeError, Unsupported, valueError } from './errors.ts'
import { listOf } from './iterate.ts'
import type { Meter } from './meter.ts'
import { repr, str } from './repr.ts'
import { strftime } from './strftime.ts'
import { callable, Dict, Instance, Namespace, Range, textOf, type Named, type Value } from './values.ts'

/** What a template raises itself by raise_exception. */
export class Raised extends TemplateError {}

/** As many as Jinja's sandbox lets a range have. */
const MAX_RANGE = 100_000

function range(args: readonly (Value | undefined)[]): Value {
  const [first, second, third] = args.map((arg) => integerArg(arg))
  const step = third ?? 1
  if (step === 0) throw valueError('range() arg 3 must not be zero')
  const made = second === undefined ? new Range(0, first, step) : new Range(first, second, step)
  if (made.length > MAX_RANGE)
    throw new TemplateError(
      'OverflowError',
      `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`,
    )
  return made
}

function filledDict(dict: Dict, args: readonly Value[], named: Named, meter: Meter): Dict {
  if (args.length > 1) throw typeError(`dict expected at most 1 argument, got ${args.length}`)
  const [source] = args
  if (source instanceof Dict) for (const [key, value] of source.entries.values()) dict.set(key, value)
  else if (source !== undefined) {
    for (const [at, pair] of listOf(source, meter).entries()) {
      const items = listOf(pair, meter)
      if (items.length !== 2)
        throw valueError(
          `dictionary update sequence element #${at} has length ${items.length}; 2 is required`,
        )
      dict.set(items[0], items[1])
    }
  }
  for (const [key, value] of named) dict.set(key, value)
  meter.make(dict.entries.size * 16)
  return dict
}

class DictType extends Instance {
  constructor() {
    super('TemplateDict', (meter, args, named) => filledDict(new Dict(), args, named, meter))
  }

  override attribute(name: string): Value | undefined {
    if (name !== 'fromkeys') return undefined
    return callable(
      'method fromkeys',
      freeCall('fromkeys', '/ keys value?', ([keys = null, value = null], meter) =>
        fromKeys(keys, value, meter),
      ),
    )
  }
}

/** The name of a part of a namespace. Throws SecurityError for one that begins with an underscore. */
export function checkName(name: Value, meter: Meter): void {
  if (textOf(name)?.startsWith('_') !== true) return
  throw new TemplateError(
    'SecurityError',
    `Chat templates cannot store underscore-prefixed attributes on a namespace, but got ${repr(name, meter)}. Please rename the attribute.`,
  )
}

class Cycler extends Instance {
  readonly #items: readonly Value[]
  #at = 0

  constructor(items: readonly Value[]) {
    super('Cycler')
    this.#items = items
  }

  override attribute(name: string): Value | undefined {
    const current = this.#items[this.#at]
    if (name === 'current') return current
    if (name === 'pos') return this.#at
    if (name === 'reset') return callable('method reset', () => this.#move(0, null))
    if (name === 'next') return callable('method next', () => this.#move(this.#at + 1, this.#items[this.#at]))
    return undefined
  }

  #move(to: number, value: Value): Value {
    this.#at = to % this.#items.length
    return value
  }
}

function joiner(separator: Value): Instance {
  let used = false
  return new Instance('Joiner', () => {
    const text = used ? separator : ''
    used = true
    return text
  })
}

/** The globals by name; the Worker's clock gives the time. */
export const GLOBALS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['range', callable('range', freeCall('range', '/ start stop? step?', range))],
  ['dict', new DictType()],
  [
    'namespace',
    callable('namespace', (meter, args, named) => {
      const made = new Namespace()
      filledDict(made.attributes, args, named, meter)
      for (const name of made.attributes.keys()) checkName(name, meter)
      return made
    }),
  ],
  [
    'cycler',
    callable('cycler', (_, args) => {
      if (args.length === 0) throw new TemplateError('RuntimeError', 'at least one item has to be provided')
      return new Cycler(args)
    }),
  ],
  [
    'lipsum',
    callable('lipsum', () => {
      throw new Unsupported('lipsum, which writes words by chance,')
    }),
  ],
  [
    'joiner',
    callable(
      'joiner',
      freeCall('joiner', 'sep?', ([separator = ', ']) => joiner(separator)),
    ),
  ],
  [
    'raise_exception',
    callable(
      'raise_exception',
      freeCall('raise_exception', 'message', ([message = null], meter) => {
        throw new Raised('TemplateError', str(message, meter))
      }),
    ),
  ],
  [
    'strftime_now',
    callable(
      'strftime_now',
      freeCall('strftime_now', 'format', ([format]) => strftime(new Date(), textArg(format))),
    ),
  ],
])
