// A token entry is a token with its log probability and its alternatives, in OpenAI's words.

import type { TokenLogprob } from '../../protocol/generation.ts'

/** One entry for each token; those of successive events concatenate. */
export function tokenEntries(tokens: readonly TokenLogprob[]): object[] {
  return tokens.map(({ top, ...token }) => ({ ...entry(token), top_logprobs: top.map(entry) }))
}

type Entry = TokenLogprob['top'][number] & Pick<TokenLogprob, 'forced'>

function entry({ token, logprob, bytes, restricted, forced }: Entry): object {
  return {
    token,
    logprob,
    bytes,
    ...(restricted !== undefined && { islet_logprob: restricted }),
    ...(forced !== undefined && { islet_forced: forced }),
  }
}
