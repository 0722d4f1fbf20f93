// A vault is a lane's storage as the engine sees it: where pages go that leave memory.
// It is called in the middle of a step, so nothing of it waits, and only in the lane's own calls (step.ts).

import type { Model } from '../graph/model.ts'
import type { PromptShape } from '../cache/prompt-shape.ts'

/**
 * What storage needs to know of a sequence: its ids, what its keys depend on, and the pages that hold them.
 */
export type PagedIds = {
  /** undefined = the model's own prefix: all tenants may fork it, nobody continues it in place. */
  readonly tenant: string | undefined
  ids: readonly number[]
  /** Positions [0, length) are computed; what lies behind does not exist yet. */
  length: number
  /** Page by position / PAGE_POSITIONS; undefined = given back or not yet taken. */
  readonly pages: (number | undefined)[]
  /** What its keys were computed for. */
  shape: PromptShape
  /** How many of its pages, from the front, are in storage. */
  saved: number
}

/** Pages in storage that a prompt begins with. */
export type StoredPages = {
  /** Their positions: whole pages, at most the prompt without its last id. */
  length: number
  /**
   * Puts the bytes of every page that `pageOf` has a place for into that page. False when one of them is not
   * what it was: it is gone from storage then, and what was put is of no use.
   */
  restore(model: Model, pageOf: (index: number) => number | undefined): boolean
}

export interface Vault {
  /** Whose it is: the object that is made when one was lost has the same. */
  readonly id: string
  /** What is stored of a prompt; undefined for nothing. */
  find(prompt: { tenant: string; ids: readonly number[]; shape: PromptShape }): StoredPages | undefined
  /**
   * Writes the sequence's full pages that are not stored, the first `pages` of them at most, and moves its
   * `saved` on. Never throws: storage that fails is left alone.
   */
  save(sequence: PagedIds, model: Model, pages?: number): void
}
