// A plain encoder turns text without special tokens into ids; each tokenizer algorithm implements one.

import type { Budget, Sliced } from '../lib/sliced.ts'

/**
 * Appends the ids of text without special tokens; `first` where nothing stands before it. Several texts may be
 * under way at once: what one needs beyond a slice is its own.
 */
export type PlainEncoder = (
  text: string,
  first: boolean,
  out: number[],
  literal: boolean,
  budget: Budget,
) => Sliced<void>

/** Takes a part of a text: at once, or as work that is still to be run. */
export type TakePart = (part: string) => Sliced<void> | undefined
