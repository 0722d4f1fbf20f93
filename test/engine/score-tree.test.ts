// The tree of continuations asks for each of their tokens once, and runs each row that they share once.

import { expect, test } from 'vitest'
import { scoreTree, type ScoreNode } from '../../src/engine/score-tree.ts'

function allNodes(node: ScoreNode): ScoreNode[] {
  return [node, ...node.children.flatMap(allNodes)]
}

const CASES: number[][][] = [
  [[7]],
  [[7], [8], [9]],
  [
    [1, 2, 3, 4],
    [1, 2, 5],
    [1, 2],
  ],
  [
    [1, 2, 3],
    [1, 2, 3],
    [2, 2, 3],
  ],
  [
    [1, 2, 3, 4, 5, 6],
    [1, 2, 3, 9],
    [1, 8],
    [6, 6, 6],
  ],
]

test.each(CASES.map((continuations) => [continuations]))('of %j', (continuations) => {
  const nodes = allNodes(scoreTree(continuations))
  const asked = nodes.flatMap(({ wants }) => [...wants.values()].flat())
  const expected = continuations.flatMap((ids, continuation) =>
    ids.map((id, place) => ({ id, continuation, place })),
  )
  const order = (a: (typeof expected)[0], b: (typeof expected)[0]) =>
    a.continuation - b.continuation || a.place - b.place
  expect(asked.toSorted(order)).toEqual(expected)
  // The rows that must be run: each beginning of a continuation, without its last id.
  const beginnings = new Set(
    continuations.flatMap((ids) => ids.slice(0, -1).map((_, at) => ids.slice(0, at + 1).join())),
  )
  const rows = nodes.flatMap(({ path, from }) =>
    path.slice(from).map((_, at) => path.slice(0, from + at + 1).join()),
  )
  expect(rows.toSorted()).toEqual([...beginnings].toSorted())
  for (const { path, from, wants } of nodes)
    for (const place of wants.keys()) expect(place === 0 || (place > from && place <= path.length)).toBe(true)
})

test('one that ends where another goes on is asked for at the same place', () => {
  const root = scoreTree([
    [1, 2],
    [1, 2, 3],
  ])
  expect(root.wants.get(0)).toHaveLength(2)
  expect(root.children.map(({ path }) => path)).toEqual([[1]])
  expect(root.children[0].wants.get(1)).toHaveLength(2)
  expect(root.children[0].children[0]).toMatchObject({ path: [1, 2], from: 1, children: [] })
})
