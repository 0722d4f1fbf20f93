// Pages of a real model on their way to storage and back: the same bytes in other pages, and none of a row that is not what it was.

import { describe, expect, it } from 'vitest'
import type { LocalModel } from '../../src/graph/model.ts'
import { PAGE_POSITIONS } from '../../src/kernels/layout.ts'
import { runPaged, upTo } from '../helpers/paged.ts'
import { FLOATS, load, ODD, someIds, TINY } from '../helpers/subjects.ts'

const POOL = 6

/** A model with a text in pages 0, 1 and 2, and what is stored of two of them. */
async function stored(subject: typeof TINY) {
  const options = { window: { window: undefined, sinks: 0 }, chunk: 16, pages: POOL }
  const { layers } = (await subject.open()).manifest.spec
  // Where there is a head pages lie where logits do, and these models' are short.
  const range = { from: 0, to: layers, embedding: true, head: false }
  const model = await load(subject, { ...options, maxPositions: POOL * PAGE_POSITIONS, range })
  const ids = someIds(3 * PAGE_POSITIONS, model.spec.vocab, 5)
  runPaged(model, ids, { from: 0, pages: upTo(3), chunk: 16 })
  const { bytes, checksum } = model.staging.gather([2, 0])
  return { model, bytes: bytes.slice(), checksum }
}

const pagesOf = (model: LocalModel): Uint8Array[] => upTo(POOL).map((page) => model.pages.read(page).slice())

describe.each([TINY, FLOATS, ...ODD])('$name', (subject) => {
  it('comes back byte for byte, and only where it is wanted', async () => {
    const { model, bytes, checksum } = await stored(subject)
    const before = pagesOf(model)
    expect(model.staging.scatter(bytes, checksum, [5, undefined])).toBe(true)
    const after = pagesOf(model)
    expect(after[5]).toEqual(before[2])
    expect(after.slice(0, 5)).toEqual(before.slice(0, 5))
    expect(model.staging.scatter(bytes, checksum, [undefined, 4])).toBe(true)
    expect(model.pages.read(4)).toEqual(before[0])
  })

  it('is refused where a bit, a byte, a page or the checksum is another, and no page is touched', async () => {
    const { model, bytes, checksum } = await stored(subject)
    const before = pagesOf(model)
    const torn = bytes.slice()
    torn[bytes.length - 1] ^= 1
    expect(model.staging.scatter(torn, checksum, [3, 4])).toBe(false)
    expect(model.staging.scatter(bytes.subarray(1), checksum, [3, 4])).toBe(false)
    expect(model.staging.scatter(bytes, checksum, [3, 4, 5])).toBe(false)
    expect(model.staging.scatter(bytes, model.staging.gather([1, 0]).checksum, [3, 4])).toBe(false)
    expect(pagesOf(model)).toEqual(before)
  })
})
