// A score tree shares the rows of continuations that begin alike, so that each row of them is run once.

/** The log probability of `id` at the node's place is that of token `place` of a continuation. */
export type Want = { id: number; continuation: number; place: number }

/** A run of ids behind a prompt. Rows of places [from, path.length) belong to the node, those before to its parents. */
export type ScoreNode = {
  readonly path: readonly number[]
  readonly from: number
  /** What is asked of the logits about each place: (from, path.length], the root's is 0. */
  readonly wants: ReadonlyMap<number, readonly Want[]>
  readonly children: readonly ScoreNode[]
}

/**
 * The tree of some continuations, none empty. Its root is the prompt, without rows of its own: the logits of the prompt's
 * last row are about place 0. The last id of a continuation is asked for and never run, unless another goes on with it.
 */
export function scoreTree(continuations: readonly (readonly number[])[]): ScoreNode {
  const all = continuations.map((_, index) => index)
  return {
    path: [],
    from: 0,
    wants: wantsOf(continuations, all, 0, 0),
    children: childrenOf(continuations, all, 0),
  }
}

function childrenOf(
  continuations: readonly (readonly number[])[],
  members: readonly number[],
  depth: number,
): ScoreNode[] {
  const longer = members.filter((index) => continuations[index].length > depth + 1)
  const groups = Map.groupBy(longer, (index) => continuations[index][depth])
  return [...groups.values()].map((group) => nodeOf(continuations, group, depth))
}

function nodeOf(
  continuations: readonly (readonly number[])[],
  group: readonly number[],
  from: number,
): ScoreNode {
  const [first] = group
  const goesOn = (index: number, place: number): boolean =>
    continuations[index].length > place + 1 && continuations[index][place] === continuations[first][place]
  let end = from + 1
  while (group.every((index) => goesOn(index, end))) end++
  return {
    path: continuations[first].slice(0, end),
    from,
    wants: wantsOf(continuations, group, from + 1, end),
    children: childrenOf(continuations, group, end),
  }
}

function wantsOf(
  continuations: readonly (readonly number[])[],
  group: readonly number[],
  first: number,
  last: number,
): Map<number, Want[]> {
  const wants = new Map<number, Want[]>()
  for (let place = first; place <= last; place++)
    wants.set(
      place,
      group.map((continuation) => ({ id: continuations[continuation][place], continuation, place })),
    )
  return wants
}
