// Spellings keep the alternatives of one token apart, since text completions name each by its text alone.

import type { TokenLogprob } from '../../../protocol/generation.ts'

type Named = TokenLogprob['top'][number]

/**
 * How a token and its alternatives are called: each by its text, or where another has that already, as all that are no
 * whole characters print alike, by its bytes, `bytes:\\xf0\\x9f`. If another is called so too, `#2` and so on follows. The
 * chosen token is called first, and the same among the alternatives.
 */
export function spellings(token: TokenLogprob): { chosen: string; top: string[] } {
  const taken = new Set<string>()
  const spell = (named: Named): string => {
    const bytes = bytesName(named)
    let name = [named.token, bytes].find((each) => !taken.has(each))
    for (let count = 2; name === undefined; count++)
      if (!taken.has(`${bytes}#${count}`)) name = `${bytes}#${count}`
    taken.add(name)
    return name
  }
  const chosen = spell(token)
  const own = token.top.findIndex((rival) => isSame(rival, token))
  return { chosen, top: token.top.map((rival, rank) => (rank === own ? chosen : spell(rival))) }
}

function isSame(a: Named, b: Named): boolean {
  return a.logprob === b.logprob && a.token === b.token && a.bytes.join() === b.bytes.join()
}

function bytesName({ bytes }: Named): string {
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
}
