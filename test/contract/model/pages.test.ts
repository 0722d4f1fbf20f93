// Pages that were copied, read and written, or gathered and scattered, anywhere, give the same logits; damaged ones are refused.

import { beforeAll, describe, expect, it } from 'vitest'
import type { Model } from '../../../src/graph/model.ts'
import { PAGE_POSITIONS } from '../../../src/kernels/layout.ts'
import { ROW_BYTES } from '../../../src/lib/limits.ts'
import { MODELS, WINDOWS } from './models.ts'
import {
  expectRows,
  fill,
  pagesOf,
  rowsOf,
  runAlone,
  sequence,
  step,
  type Sequence,
  type Yielded,
} from './sequence.ts'

/** Two full pages, and one that is not full, which is where a fork begins. */
const DONE = 2 * PAGE_POSITIONS + 7
const MORE = 6

/** Pages of the text, and pages where it comes to lie. */
const FROM = [4, 9, 2]
const TO = [5, 0, 11]

describe.each(MODELS)('$name', ({ open }) => {
  describe.each(WINDOWS)('%s', (_, window) => {
    let model: Model
    let text: Sequence
    let wanted: Yielded

    beforeAll(async () => {
      model = await open(window)
      text = sequence(model, DONE + MORE, FROM, 3)
      await fill(model, text, 0, DONE)
      wanted = await runAlone(model, text, { from: DONE })
    })

    const blank = (pages: readonly number[], on = model): void => {
      for (const page of pages) on.pages.write(page, new Uint8Array(on.pages.pageBytes))
    }
    const expectGoesOn = async (pages: readonly number[], on = model): Promise<void> => {
      const { logits } = await step(on, rowsOf({ ...text, pages }, DONE, DONE + MORE, 'logits'))
      expectRows(logits, wanted.logits, `pages ${pages.join()}`)
    }

    it('copied pages go on as the first ones do, and neither changes the other', async () => {
      await fill(model, text, 0, DONE)
      blank(TO)
      for (const [i, page] of FROM.entries()) model.pages.copy(TO[i], page)
      expect(TO.map((page) => model.pages.read(page))).toEqual(FROM.map((page) => model.pages.read(page)))
      const ids = text.ids.map((id, at) => (at < DONE ? id : (id + 1) % model.spec.vocab))
      const fork = await step(model, rowsOf({ ...text, ids, pages: TO }, DONE, DONE + MORE, 'logits'))
      expect(fork.logits[0]).not.toEqual(wanted.logits[0])
      await expectGoesOn(FROM)
      await expectGoesOn([TO[0], FROM[1], TO[2]])
      await fill(model, text, 0, DONE)
      blank(FROM)
      await expectGoesOn(TO)
    })

    it('the bytes of a page are a copy, and give the same logits in any page of any instance', async () => {
      await fill(model, text, 0, DONE)
      const bytes = FROM.map((page) => model.pages.read(page))
      const kept = bytes.map((page) => page.slice())
      expect(bytes.map(({ length }) => length)).toEqual(FROM.map(() => model.pages.pageBytes))
      blank(FROM)
      await fill(model, sequence(model, DONE, FROM, 4), 0, DONE)
      expect(bytes).toEqual(kept)
      for (const on of [model, await open(window)]) {
        for (const [i, page] of TO.entries()) {
          const given = bytes[i].slice()
          on.pages.write(page, given)
          given.fill(0)
        }
        await expectGoesOn(TO, on)
      }
    })

    it('gathered pages are those that are read, side by side, and give the same logits elsewhere', async () => {
      await fill(model, text, 0, DONE)
      const { staging, pages } = model
      expect(staging.pages).toBeGreaterThan(0)
      expect(staging.pages * pages.pageBytes).toBeLessThanOrEqual(ROW_BYTES)
      const other = await open(window)
      const stored = inGroups(FROM, staging.pages).map((group) => {
        const { bytes, checksum } = staging.gather(group, namesOf(group))
        return { bytes: bytes.slice(), checksum }
      })
      const read = FROM.flatMap((page) => [...pages.read(page)])
      expect(stored.flatMap(({ bytes }) => [...bytes])).toEqual(read)
      blank(FROM)
      for (const on of [model, other]) {
        for (const [i, group] of inGroups(TO, staging.pages).entries()) {
          const { bytes, checksum } = stored[i]
          expect(on.staging.scatter(bytes, checksum, group, namesOf(group))).toBe(true)
        }
        await expectGoesOn(TO, on)
      }
    })

    it('only the pages that are wanted are touched', async () => {
      await fill(model, text, 0, DONE)
      const group = FROM.slice(0, Math.min(2, model.staging.pages))
      const { bytes, checksum } = model.staging.gather(group, namesOf(group))
      const kept = bytes.slice()
      const before = pagesOf(model)
      const none: (number | undefined)[] = group.map(() => undefined)
      expect(model.staging.scatter(kept, checksum, none, namesOf(none))).toBe(true)
      expect(pagesOf(model)).toEqual(before)
      for (const [i, page] of group.entries()) {
        expect(model.staging.scatter(kept, checksum, none.with(i, TO[i]), namesOf(none))).toBe(true)
        before[TO[i]] = before[page]
        expect(pagesOf(model)).toEqual(before)
      }
    })

    it('bytes that are not what they were are refused, and no page is touched', async () => {
      await fill(model, text, 0, DONE)
      const group = FROM.slice(0, Math.min(2, model.staging.pages))
      const to = TO.slice(0, group.length)
      const { bytes, checksum } = model.staging.gather(group, namesOf(group))
      const kept = bytes.slice()
      const foreign = model.staging.gather([FROM[2], ...group.slice(1)], namesOf(group)).checksum
      const flipped = (at: number): Uint8Array => kept.with(at, kept[at] ^ 1)
      const before = pagesOf(model)
      for (const [what, torn, sum, pages] of [
        ['the first bit', flipped(0), checksum, to],
        ['a bit in the middle', flipped(kept.length >> 1), checksum, to],
        ['the last bit', flipped(kept.length - 1), checksum, to],
        ['a byte less', kept.subarray(1), checksum, to],
        ['a page less', kept.subarray(model.pages.pageBytes), checksum, to],
        ['one page more', kept, checksum, [...to, TO[2]]],
        ['nothing', kept.subarray(0, 0), checksum, to],
        ["another's checksum", kept, foreign, to],
        ['no checksum', kept, '', to],
      ] as const) {
        expect(model.staging.scatter(torn, sum, pages, namesOf(pages)), what).toBe(false)
        expect(pagesOf(model), what).toEqual(before)
      }
      expect(model.staging.scatter(kept, checksum, to, namesOf(to))).toBe(true)
    })
  })
})

/** As storage names them: stages of a chain store their parts by these, and the others ask for none. */
function namesOf(pages: readonly unknown[]): string[] {
  return pages.map((_, i) => `${i}`.padStart(32, '0'))
}

function inGroups(pages: readonly number[], size: number): number[][] {
  const count = Math.ceil(pages.length / size)
  return Array.from({ length: count }, (_, i) => pages.slice(i * size, (i + 1) * size))
}
