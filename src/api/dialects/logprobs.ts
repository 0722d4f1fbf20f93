// Log probabilities have the two shapes that OpenAI gives them.

import type { TokenLogprob } from '../../protocol/generation.ts'

/** Chat: one entry for each token, arrays of successive chunks concatenate; null when none were asked for. */
export function chatLogprobs(tokens: readonly TokenLogprob[] | undefined): object | null {
  if (tokens === undefined) return null
  const content = tokens.map(({ token, logprob, bytes, top }) => ({
    token,
    logprob,
    bytes,
    top_logprobs: top,
  }))
  return { content, refusal: null }
}

/** Text completions: parallel arrays; `offset` is where the first token starts in the answer, in UTF-16 units. */
export function textLogprobs(tokens: readonly TokenLogprob[] | undefined, offset: number): object | null {
  if (tokens === undefined) return null
  const text_offset: number[] = []
  for (const { token } of tokens) {
    text_offset.push(offset)
    offset += token.length
  }
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset,
  }
}
