// A token's log probability carries its name and bytes, where the sampler knows ids alone.

import type { TokenLogprob } from '../protocol/generation.ts'
import type { Logprobs } from '../sampling/logprobs.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** The entry of a stream for the chosen `id`. */
export function tokenLogprob(
  id: number,
  { logprob, restricted, top }: Logprobs,
  tokenizer: Tokenizer,
): TokenLogprob {
  const named = (of: number, value: number) => {
    const bytes = tokenizer.tokenBytes(of)
    const token = tokenizer.isSpecial(of) ? tokenizer.nameOf(of) : decoder.decode(bytes)
    return { token, logprob: value, bytes: [...bytes] }
  }
  return {
    ...named(id, logprob),
    ...(restricted !== undefined && { restricted }),
    top: top.map((rival) => ({
      ...named(rival.id, rival.logprob),
      ...(rival.restricted !== undefined && { restricted: rival.restricted }),
    })),
  }
}
