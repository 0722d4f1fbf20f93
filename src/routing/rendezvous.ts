// Rendezvous hashing lets each key rank all lanes, so that a change of their number moves few keys.

/** The first `most` of `count` lanes as `key` ranks them, best first. */
export function rendezvousOrder(key: string, count: number, most: number): number[] {
  const scores = Array.from({ length: count }, (_, lane) => ({ lane, score: hash32(`${lane}:${key}`) }))
  // A stable sort: of equal scores the lower lane comes first.
  scores.sort((a, b) => b.score - a.score)
  return scores.slice(0, most).map(({ lane }) => lane)
}

/** FNV-1a over UTF-16 units, then a finaliser: neighbouring keys must not rank the lanes alike. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
