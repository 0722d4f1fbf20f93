// A row yields what it asks for, the same bits in any company, and a step that cannot be run is refused.

import { beforeAll, describe, expect, it } from 'vitest'
import { pageIsDead } from '../../../src/cache/window.ts'
import { PAGE_POSITIONS } from '../../../src/kernels/layout.ts'
import type { Model, Row, Yield } from '../../../src/graph/model.ts'
import { upTo } from '../../helpers/paged.ts'
import { LENGTH, MODELS, POOL, WINDOWS } from './models.ts'
import {
  expectRows,
  fill,
  pagesOf,
  rowAt,
  rowsOf,
  runAlone,
  sequence,
  step,
  type Sequence,
  type Yielded,
} from './sequence.ts'

describe.each(MODELS)('$name', ({ open, head }) => {
  describe.each(WINDOWS)('%s', (_, window) => {
    let model: Model
    let [text, other]: Sequence[] = []
    let [alone, otherAlone]: Yielded[] = []

    beforeAll(async () => {
      model = await open(window)
      text = sequence(model, LENGTH, [3, 0, 7, 1])
      other = sequence(model, LENGTH, [2, 8, 4, 11], 2)
      alone = await runAlone(model, text)
      otherAlone = await runAlone(model, other)
    })

    it('is opened with what was asked for', () => {
      expect(model.pages.count).toBe(POOL)
      expect(model.maxLogitRows).toBeLessThan(model.maxRows)
      expect(model.window.window === undefined).toBe(window.window === undefined)
    })

    it('chunks of any size yield what single rows yield', async () => {
      for (const size of [2, 5, model.maxLogitRows]) {
        const rows: Float32Array[] = []
        for (let at = 0; at < LENGTH; at += size)
          rows.push(...(await step(model, rowsOf(text, at, Math.min(LENGTH, at + size), 'logits'))).logits)
        expectRows(rows, alone.logits, `chunks of ${size}`)
      }
    })

    it('a row may ask for its hidden state wherever it stands, as many as a step has rows', async () => {
      const rows: Float32Array[] = []
      for (let at = 0; at < LENGTH; at += model.maxRows)
        rows.push(...(await step(model, rowsOf(text, at, at + model.maxRows, 'hidden'))).hidden)
      expectRows(rows, alone.hidden, 'hidden states')
    })

    it('rows of several sequences, this way and that, yield what each yields alone', async () => {
      const cycle: Yield[] = ['logits', 'nothing', 'hidden', 'hidden', 'logits', 'nothing', 'nothing']
      const yieldAt = (at: number): Yield => cycle[at % cycle.length]
      const [got, wanted]: Yielded[] = [0, 1].map(() => ({ logits: [], hidden: [] }))
      const half = LENGTH / 2
      // One is told from its beginning, the other from its middle: no two rows of a step are alike.
      await fill(model, other, 0, half)
      for (let at = 0; at < half; at += 4) {
        const rows: Row[] = upTo(4).flatMap((i) => {
          const [mine, theirs] = [yieldAt(at + i), yieldAt(2 * (at + i) + 3)]
          if (mine !== 'nothing') wanted[mine].push(alone[mine][at + i])
          if (theirs !== 'nothing') wanted[theirs].push(otherAlone[theirs][half + at + i])
          return [rowAt(text, at + i, mine), rowAt(other, half + at + i, theirs)]
        })
        const { logits, hidden } = await step(model, rows)
        got.logits.push(...logits)
        got.hidden.push(...hidden)
      }
      expect(Math.min(wanted.logits.length, wanted.hidden.length)).toBeGreaterThan(10)
      expectRows(got.logits, wanted.logits, 'logits')
      expectRows(got.hidden, wanted.hidden, 'hidden states')
    })

    if (head !== undefined) {
      it('the head makes the logits of a row from its hidden state', () => {
        for (const [i, hidden] of alone.hidden.entries()) {
          const wanted = alone.logits[i]
          const most = wanted.reduce((max, value) => Math.max(max, Math.abs(value)), 0)
          const made = head(hidden)
          const farthest = wanted.reduce((max, value, id) => Math.max(max, Math.abs(value - made[id])), 0)
          expect(farthest, `position ${i}`).toBeLessThan(1e-5 * most)
        }
      })
    }

    it('outputs may be asked for in any order and again, until the next call', async () => {
      await fill(model, text, 0, 8)
      const yields: Yield[] = ['logits', 'hidden', 'logits', 'hidden']
      const outputs = await model.run(yields.map((what, i) => rowAt(text, 8 + i, what)))
      const hidden = [1, 0, 1].map((i) => outputs.hidden(i))
      const logits = [1, 0, 1].map((i) => outputs.logits(i))
      const again = [outputs.hidden(0), outputs.logits(1)]
      expectRows(
        logits,
        [10, 8, 10].map((at) => alone.logits[at]),
        'logits',
      )
      expectRows(
        hidden,
        [11, 9, 11].map((at) => alone.hidden[at]),
        'hidden states',
      )
      expectRows(again, [alone.hidden[9], alone.logits[10]], 'once more')
      const { logits: next } = await step(model, [rowAt(text, 12, 'logits')])
      expectRows(next, [alone.logits[12]], 'the next step')
    })

    it('more rows than a step holds, or more with logits, are a RangeError and change nothing', async () => {
      await fill(model, text, 0, 20)
      const before = pagesOf(model)
      const { maxRows, maxLogitRows } = model
      for (const rows of [
        rowsOf(other, 0, maxRows + 1, 'nothing'),
        rowsOf(other, 0, maxRows + 1, 'hidden'),
        rowsOf(other, 0, maxLogitRows + 1, 'logits'),
        [...rowsOf(other, 0, 3, 'hidden'), ...rowsOf(other, 3, maxLogitRows + 4, 'logits')],
      ])
        await expect(step(model, rows)).rejects.toThrow(RangeError)
      expect(pagesOf(model)).toEqual(before)
      const most = [
        ...rowsOf(text, 20, 20 + maxLogitRows, 'logits'),
        ...rowsOf(text, 20 + maxLogitRows, 20 + maxRows, 'hidden'),
      ]
      const { logits, hidden } = await step(model, most)
      expectRows(logits, alone.logits.slice(20, 20 + maxLogitRows), 'the most logits')
      expectRows(hidden, alone.hidden.slice(20 + maxLogitRows, 20 + maxRows), 'the most rows')
    })

    it('a page that a row sees must be there, its own too, and others need not', async () => {
      const last = LENGTH - 1
      for (const at of [20, 40, last]) {
        await fill(model, text, 0, at)
        for (const [index] of text.pages.entries()) {
          const pages = text.pages.with(index, undefined)
          const row = rowAt({ ...text, pages }, at, 'logits')
          const own = Math.floor(at / PAGE_POSITIONS)
          if (index > own || pageIsDead(index, at, model.window)) {
            expectRows((await step(model, [row])).logits, [alone.logits[at]], `${at} without page ${index}`)
          } else {
            await expect(step(model, [row]), `${at} without page ${index}`).rejects.toThrow(RangeError)
          }
        }
        await fill(model, text, 0, at)
        expectRows((await step(model, [rowAt(text, at, 'logits')])).logits, [alone.logits[at]], 'after that')
      }
    })

    it("the host's signal is taken note of", () => {
      model.signal.clear()
      expect(model.signal.value).toBe(0)
    })
  })
})
