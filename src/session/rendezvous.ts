// Rendezvous hashing: each key ranks all lanes for itself, so a change of their number moves only the keys it must.

/** The lane of `count` that ranks first for `key`. */
export function rendezvous(key: string, count: number): number {
  let best = 0
  let bestScore = -1
  for (let lane = 0; lane < count; lane++) {
    const score = hash32(`${lane}:${key}`)
    if (score > bestScore) {
      best = lane
      bestScore = score
    }
  }
  return best
}

/** FNV-1a over UTF-16 units, then a finaliser: neighbouring keys must not rank the lanes alike. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
