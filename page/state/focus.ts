// The focus couples views: it holds the session and request that the shown one is about, and its tokens.

import van from 'vanjs-core'

export type SentRequest = { path: string; body: unknown }

/** A token of an answer, with the logarithm of its probability and its best alternatives. */
export type Token = { text: string; logprob: number; top: readonly { text: string; logprob: number }[] }

/** The session that the shown answer belongs to. */
export const session = van.state<string | undefined>()
/** The last request that the shown view sent, or would send. */
export const lastRequest = van.state<SentRequest | undefined>()
/** Tokens of the shown answer, where log probabilities were asked for. */
export const tokens = van.state<readonly Token[]>([])
/** The last report of the session's memory, as GET /v1/sessions/:id/memory has it. */
export const memory = van.state<unknown>(undefined)
/** Goes up with each frame of the running answer. */
export const growth = van.state(0)
