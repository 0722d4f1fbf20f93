// An unfolded term is made when it is first derived, so that places may lead to further places without end.

import { Compound, type Term } from './term.ts'

/** A compound of what `make` gives, once. */
export abstract class Unfolded extends Compound {
  #body: Term | undefined

  protected abstract make(): Term

  protected get body(): Term {
    return (this.#body ??= this.make())
  }
  derive(byte: number): Term {
    return this.terms.step(this.body, byte)
  }
}
