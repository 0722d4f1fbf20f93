// Logits of more rows than lie in memory together have the bits that each row has alone; asking for one that is gone is an error.

import { expect, it } from 'vitest'
import type { Row } from '../../src/graph/model.ts'
import { sha256 } from '../../src/lib/sha256.ts'
import { load, ODD, someIds, TINY } from '../helpers/subjects.ts'

const COUNT = 10

function hashOf(logits: Float32Array): string {
  const hash = sha256()
  hash.update(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength))
  return hash.hex()
}

it.each([TINY, ...ODD])('$name: ten rows in a step', async (subject) => {
  const { spec } = (await subject.open()).manifest
  const options = { window: { window: undefined, sinks: 0 }, chunk: 12, logitRows: 12, pages: COUNT }
  const model = await load(subject, options)
  // The third yields its state, the fifth nothing.
  const rows = someIds(COUNT, spec.vocab).map((id, page): Row => {
    const pages = [page]
    const yields = page === 2 ? 'hidden' : page === 4 ? 'nothing' : 'logits'
    return { id, position: 0, pages, yields }
  })
  const alone = rows.map((row) => {
    const outputs = model.run([row])
    return row.yields === 'nothing' ? '' : hashOf(outputs[row.yields](0))
  })
  const outputs = model.run(rows)
  const asking = rows.flatMap(({ yields }, i) => (yields === 'logits' ? i : []))
  expect(asking.map((_, i) => hashOf(outputs.logits(i)))).toEqual(asking.map((i) => alone[i]))
  expect(hashOf(outputs.hidden(0))).toBe(alone[2])
  expect(() => outputs.logits(3)).toThrow('in order')
  // Those of the last rows are still there, and to leave some out is no mistake.
  expect(hashOf(outputs.logits(asking.length - 1))).toBe(alone[COUNT - 1])
  expect(hashOf(model.run(rows).logits(asking.length - 1))).toBe(alone[COUNT - 1])
})
