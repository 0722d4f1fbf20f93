// A template's values are Python's: this file names their types, and says which are true.

import { Float } from '../../lib/exact-json.ts'
import { typeError } from './errors.ts'
import { tooLarge, type Meter } from './meter.ts'

export type Value =
  | null
  | boolean
  | number // an integer that is exact
  | bigint // any other integer
  | Float
  | string
  | Markup
  | Value[]
  | Tuple
  | Dict
  | View
  | Range
  | Generator
  | Undefined
  | Instance

export type Named = ReadonlyMap<string, Value>
export type Call = (meter: Meter, args: readonly Value[], named: Named) => Value

export const NOTHING_NAMED: Named = new Map()

/** A string that `escape` or `safe` marked: what is added to it gets escaped. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export class Tuple {
  readonly items: readonly Value[]
  /** Of a named tuple, in order. */
  readonly names: readonly string[]

  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items
    this.names = names
  }
}

/** Keeps the order in which keys came; 1, 1.0 and true are one key. */
export class Dict {
  readonly entries = new Map<unknown, readonly [Value, Value]>()

  /** Throws TypeError for a key that has no hash. */
  set(key: Value, value: Value): void {
    const hash = hashOf(key)
    this.entries.set(hash, [this.entries.get(hash)?.[0] ?? key, value])
  }

  get(key: Value): Value | undefined {
    return this.entries.get(hashOf(key))?.[1]
  }

  has(key: Value): boolean {
    return this.entries.has(hashOf(key))
  }

  keys(): Value[] {
    return Array.from(this.entries.values(), ([key]) => key)
  }

  values(): Value[] {
    return Array.from(this.entries.values(), ([, value]) => value)
  }

  items(): Value[] {
    return Array.from(this.entries.values(), (pair) => new Tuple(pair))
  }
}

/** What `keys`, `values` and `items` of a dict give. */
export class View {
  readonly of: Dict
  readonly what: 'keys' | 'values' | 'items'

  constructor(of: Dict, what: 'keys' | 'values' | 'items') {
    this.of = of
    this.what = what
  }

  list(): Value[] {
    return this.of[this.what]()
  }
}

export class Range {
  readonly start: number
  readonly stop: number
  readonly step: number
  readonly length: number

  constructor(start: number, stop: number, step: number) {
    this.start = start
    this.stop = stop
    this.step = step
    this.length = Math.max(0, Math.ceil((stop - start) / step))
  }

  at(index: number): number {
    return this.start + index * this.step
  }
}

/** Can be gone through once, and is true even if there is nothing in it. */
export class Generator implements Iterable<Value> {
  readonly type: string
  readonly #items: Iterator<Value>

  constructor(items: Iterable<Value>, type = 'generator') {
    this.type = type
    this.#items = items[Symbol.iterator]()
  }

  [Symbol.iterator](): Iterator<Value> {
    return { next: () => this.#items.next() }
  }
}

/** Prints nothing and is false; whoever looks into it is told `says`. */
export class Undefined {
  readonly says: string
  readonly kind: string

  constructor(says: string, kind = 'UndefinedError') {
    this.says = says
    this.kind = kind
  }
}

/** An object with attributes, or one that can be called. */
export class Instance {
  readonly type: string
  readonly call: Call | undefined

  constructor(type: string, call?: Call) {
    this.type = type
    this.call = call
  }

  attribute(_name: string): Value | undefined {
    return undefined
  }
}

export function callable(name: string, call: Call): Instance {
  return new Instance(`built-in function ${name}`, call)
}

/** What `namespace()` makes: the only value whose parts can be set. */
export class Namespace extends Instance {
  readonly attributes = new Dict()

  constructor() {
    super('Namespace')
  }

  override attribute(name: string): Value | undefined {
    return this.attributes.get(name)
  }
}

/** The name of a value's class in Python. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'int'
  if (typeof value === 'string') return 'str'
  if (value instanceof Float) return 'float'
  if (Array.isArray(value)) return 'list'
  if (value instanceof View) return `dict_${value.what}`
  if (value instanceof Generator) return value.type
  if (value instanceof Instance)
    return value.type.startsWith('built-in') ? 'builtin_function_or_method' : value.type
  if (value instanceof Tuple) return value.names.length > 0 ? '_GroupTuple' : 'tuple'
  if (value instanceof Dict) return 'dict'
  if (value instanceof Range) return 'range'
  return value instanceof Markup ? 'Markup' : 'Undefined'
}

export function truthy(value: Value): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value)
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Dict) return value.entries.size > 0
  if (value instanceof Undefined) return false
  if (value instanceof Float) return value.value !== 0
  if (value instanceof Tuple) return value.items.length > 0
  if (value instanceof Markup) return value.text !== ''
  if (value instanceof View) return value.of.entries.size > 0
  return value instanceof Range ? value.length > 0 : true
}

/** Characters of a tuple as a key: one inside itself again and again would have no end. */
const MAX_HASH = 1 << 18

const UNDEFINED = Symbol('undefined')

/** Equal for keys that are equal in Python. Strings that begin with NUL make way for tuples. */
export function hashOf(key: Value): unknown {
  if (typeof key === 'string') return key.startsWith('\0') ? `\0s${key}` : key
  if (typeof key === 'boolean') return Number(key)
  if (typeof key !== 'object' || key === null) return key
  if (key instanceof Float) {
    const { value } = key
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value
  }
  if (key instanceof Markup) return hashOf(key.text)
  if (key instanceof Undefined) return UNDEFINED
  if (key instanceof Tuple) {
    const parts = key.items.map((item) => {
      const hash = hashOf(item)
      if (typeof hash === 'object' && hash !== null) throw typeError('a tuple of objects is no key')
      const text = String(hash)
      return `${typeof hash}${text.length}:${text}`
    })
    const hash = `\0t${parts.join('')}`
    if (hash.length > MAX_HASH) throw tooLarge(hash.length)
    return hash
  }
  if (Array.isArray(key) || key instanceof Dict || key instanceof View)
    throw typeError(`unhashable type: '${typeName(key)}'`)
  return key
}

/** The text of a string, marked or not; undefined for what is none. */
export function textOf(value: Value): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Markup ? value.text : undefined
}

/** A plain or JSON object's entries as a dict. */
export function dictOf(entries: Iterable<readonly [Value, Value]>): Dict {
  const dict = new Dict()
  for (const [key, value] of entries) dict.set(key, value)
  return dict
}
