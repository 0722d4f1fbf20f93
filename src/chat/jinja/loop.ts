// The variable `loop` tells a round of a loop where it stands.

import { equals } from './compare.ts'
import { typeError } from './errors.ts'
import { callable, Instance, Tuple, Undefined, type Value } from './values.ts'

/** Runs the body of a recursive loop over other items, one level deeper. */
export type LoopBody = (items: Value, depth: number) => Value

export class Loop extends Instance {
  index0 = 0
  readonly #items: readonly Value[]
  readonly #depth: number
  #last: Value | undefined

  constructor(items: readonly Value[], depth: number, again: LoopBody | undefined) {
    super('LoopContext', (_, [given = null]) => {
      if (again === undefined)
        throw typeError("The loop must have the 'recursive' marker to be called recursively.")
      return again(given, depth + 1)
    })
    this.#items = items
    this.#depth = depth
  }

  override attribute(name: string): Value | undefined {
    const { index0: at } = this
    const { length } = this.#items
    switch (name) {
      case 'index0':
        return at
      case 'index':
        return at + 1
      case 'revindex0':
        return length - at - 1
      case 'revindex':
        return length - at
      case 'first':
        return at === 0
      case 'last':
        return at === length - 1
      case 'length':
        return length
      case 'depth0':
        return this.#depth
      case 'depth':
        return this.#depth + 1
      case 'previtem':
        return at === 0 ? new Undefined('there is no previous item') : this.#items[at - 1]
      case 'nextitem':
        return at === length - 1 ? new Undefined('there is no next item') : this.#items[at + 1]
      case 'cycle':
        return callable('method cycle', (_, args) => {
          if (args.length === 0) throw typeError('no items for cycling given')
          return args[at % args.length]
        })
      case 'changed':
        return callable('method changed', (meter, args) => {
          const value = new Tuple(args)
          if (this.#last !== undefined && equals(this.#last, value, meter)) return false
          this.#last = value
          return true
        })
      default:
        return undefined
    }
  }
}
