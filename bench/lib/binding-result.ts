// What `npm run binding` keeps in docs/results/binding.json, for the report to read.

import type { Machine } from './results.ts'

/** Ways to one answer: Islet's own port, and another Worker that asks it by fetch or through the binding. */
export const WAYS = ['http', 'fetch', 'binding'] as const
export type Way = (typeof WAYS)[number]

/** Seconds to the first token, and from that to the last of so many tokens. */
export type Answer = { first: number; decode: number; tokens: number }

export type BindingResult = { model: string; machine: Machine; commit: string; rounds: Record<Way, Answer>[] }

/** Of the speed over HTTP, asked by the same Worker. */
export const BINDING_GOAL = 0.97
