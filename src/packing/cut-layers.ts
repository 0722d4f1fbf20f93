// This file cuts a row of layers into runs, one for each script of a chain, so that none has too much to do.

/** The work of each run that a script may have; Infinity for what does not fit into it. */
export type Works = {
  /** Of the first script, by the layers that it has. It may have none. */
  hub: readonly number[]
  /** Of any other with layers [from, to), as `stages[from][to]`. */
  stages: readonly (readonly number[])[]
}

/**
 * Where the runs of `pieces` scripts end, so that the slowest has the least work, and the others have as even work as that allows;
 * undefined where no cut fits.
 */
export function evenCut(works: Works, pieces: number): number[] | undefined {
  if (cutWithin(works, pieces, Number.MAX_VALUE) === undefined) return undefined
  const limits = [...new Set([works.hub, works.stages].flat(2))].sort((a, b) => a - b)
  const least = leastOf(limits.length - 1, (i) => cutWithin(works, pieces, limits[i]) !== undefined)
  return cutWithin(works, pieces, limits[least])
}

/** The cut with the least sum of squares in which no script has more work than `limit`. */
function cutWithin({ hub, stages }: Works, pieces: number, limit: number): number[] | undefined {
  const cost = (work: number): number => (work <= limit ? work ** 2 : Infinity)
  // By the layers that are given away: the least cost so far, and where the runs ended.
  let best = hub.map((work, to) => ({ cost: cost(work), ends: [to] }))
  for (let piece = 1; piece < pieces; piece++) {
    best = best.map((_, to) => {
      const found: (typeof best)[number] = { cost: Infinity, ends: [] }
      let from = -1
      for (let before = 0; before < to; before++) {
        const sum = best[before].cost + cost(stages[before][to])
        if (sum < found.cost) [found.cost, from] = [sum, before]
      }
      if (from >= 0) found.ends = [...best[from].ends, to]
      return found
    })
  }
  const { cost: sum, ends } = best[best.length - 1]
  return sum === Infinity ? undefined : ends
}

/** The smallest whole number that is allowed, given that `limit` and all that are larger than an allowed one are. */
export function leastOf(limit: number, allowed: (count: number) => boolean): number {
  let [low, high] = [0, limit]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (allowed(middle)) high = middle
    else low = middle + 1
  }
  return low
}
