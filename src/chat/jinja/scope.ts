// A scope holds the names that a part of a template sets; what it has not is looked for around it.

import type { Meter } from './meter.ts'
import { Undefined, type Value } from './values.ts'

export type Around = { get: (name: string) => Value | undefined }

export class Scope {
  readonly meter: Meter
  /** The outermost scope, whose names blocks see. */
  readonly root: Scope
  readonly #around: Around
  #names: Map<string, Value> | undefined

  constructor(around: Around, meter: Meter, root?: Scope) {
    this.#around = around
    this.meter = meter
    this.root = root ?? this
  }

  inner(): Scope {
    return new Scope(this, this.meter, this.root)
  }

  set(name: string, value: Value): void {
    this.#names ??= new Map()
    this.#names.set(name, value)
  }

  get(name: string): Value | undefined {
    return this.#names?.get(name) ?? this.#outer(name)
  }

  #outer(name: string): Value | undefined {
    if (this.#names?.has(name) === true) return null
    return this.#around.get(name)
  }

  /** The value of a name, undefined as Jinja has it where there is none. */
  read(name: string): Value {
    const value = this.get(name)
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value
  }
}
