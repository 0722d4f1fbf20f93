// A step is one run of the model as data: the rows that go through it, and the turns that they belong to.

import type { LocalModel, Model, Row } from '../graph/model.ts'
import type { Part } from './scheduler.ts'
import type { Vault } from './vault.ts'

export type Step = {
  readonly rows: readonly Row[]
  readonly parts: readonly Part[]
  /** The lane that planned it: what it leaves is committed in this lane's name. */
  readonly caller: Vault | undefined
}

/** Rows run; a promise of them only with a model that may answer later. */
export type Ran<M extends Model> = M extends LocalModel ? number : number | Promise<number>
