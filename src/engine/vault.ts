// Where pages go that leave memory: a lane's storage, as the engine sees it. It is called in the middle of a step, so nothing of it waits, and
// only in the lane's own calls, since a lane may not touch the storage of another.

import type { Model } from './model.ts'
import type { PromptShape } from './prompt-shape.ts'
import type { Sequence } from './sequence.ts'

/** Pages in storage that a prompt begins with. */
export type StoredPages = {
  /** Their positions: whole pages, at most the prompt without its last id. */
  length: number
  /**
   * Puts the bytes of every page that `pageOf` has a place for into that page. False when one of them is not what it was: it is gone
   * from storage then, and what was put is of no use.
   */
  restore(model: Model, pageOf: (index: number) => number | undefined): boolean
}

export interface Vault {
  /** Whose it is: the object that is made when one was lost has the same. */
  readonly id: string
  /** What is stored of a prompt; undefined for nothing. */
  find(prompt: { tenant: string; ids: readonly number[]; shape: PromptShape }): StoredPages | undefined
  /**
   * Writes the sequence's full pages that are not stored, the first `pages` of them at most, and moves its `saved` on. Never throws:
   * storage that fails is left alone.
   */
  save(sequence: Sequence, model: Model, pages?: number): void
}
