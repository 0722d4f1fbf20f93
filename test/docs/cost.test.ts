// The price of a turn: what is billed adds up, and what is assumed of a busy lane and of a chat with pauses is in it.

import { describe, expect, it } from 'vitest'
import type { ColdResult, PersistResult } from '../../bench/lib/result-types.ts'
import { noStorageUse } from '../../src/storage/storage-use.ts'
import { busyTurn, chatTurn, dollarsOf, dollarsPerMillion, turnCostTable } from '../../report/lib/cost.ts'

const use = { ...noStorageUse(), rowsWritten: 12, rowsRead: 30, runs: 8, runBytes: 512 * 1000 }

const persist = {
  name: 'persist',
  prompt: 256,
  tokens: 256,
  stored: [{ seconds: 2, gap: 0, firstToken: 1, use }],
  unstored: [{ seconds: 1.5, gap: 0, firstToken: 1, use: noStorageUse() }],
  restore: {
    positions: 1000,
    prefill: [{ firstToken: 4, use }],
    restored: [{ firstToken: 0.1, use: { ...noStorageUse(), rowsRead: 20 } }],
  },
} as unknown as PersistResult

const cold = { prompt: 25, firstToken: [0.3], streaming: [0.1] } as unknown as ColdResult

describe('the price of a turn', () => {
  it('is the sum of what is billed', () => {
    const month = 30 * 86_400
    const dollars = dollarsOf({
      seconds: 1e6 / 0.128,
      rowsWritten: 1e6,
      rowsRead: 1e6,
      alarms: 2,
      byteSeconds: 1e9 * month,
    })
    expect(dollars.duration).toBeCloseTo(12.5)
    expect(dollars.rows).toBeCloseTo(1.001)
    expect(dollars.storage).toBeCloseTo(0.2)
    expect(dollars.requests).toBeCloseTo(0.75e-6, 12)
    expect(dollars.total).toBeCloseTo(13.701)
    expect(dollarsPerMillion(100)).toBeCloseTo(0.016)
  })

  it('of a busy lane is what was measured, with pages kept for an hour', () => {
    expect(busyTurn(persist, true)).toEqual({
      seconds: 3,
      // What is written, and eight runs and a turn deleted.
      rowsWritten: 12 + 9,
      rowsRead: 30,
      alarms: 0,
      byteSeconds: 512_000 * 3600,
    })
    expect(busyTurn(persist, false)).toMatchObject({ seconds: 2.5, rowsWritten: 0, byteSeconds: 0 })
  })

  it('of a chat reads the weights each time, and restores its history or prefills it', () => {
    const [stored, unstored] = [chatTurn(persist, cold, true), chatTurn(persist, cold, false)]
    // 0.3 s to a cold first token less 0.1 s of its prompt; 64 new tokens; a lane's last look.
    const both = 0.2 + 0.256 + 0.25
    // A fifth of an alarm that takes as long as the weights.
    expect(stored.seconds).toBeCloseTo(both + 0.1 + 2 + 0.04)
    expect(unstored.seconds).toBeCloseTo(both + 4 + 1.5)
    // Four rows of the turn, 320 of 512 positions' runs, both deleted; an alarm, and a tenth of the one after.
    expect(stored.rowsWritten).toBeCloseTo(4 + 5 + (1 + 5) + 1.1)
    expect(stored.alarms).toBeCloseTo(0.2)
    expect(stored.rowsRead).toBe(50)
    expect(stored.byteSeconds).toBeCloseTo(1000 * 1320 * (60 + 360))
    expect(unstored).toMatchObject({ rowsWritten: 0, rowsRead: 0, alarms: 0, byteSeconds: 0 })
  })

  it('is shown for a million tokens answered', () => {
    const busy = turnCostTable(persist, cold)
      .split('\n')
      .find((line) => line.startsWith('| busy lane, stored'))
    const { total } = dollarsOf(busyTurn(persist, true))
    expect(busy).toContain(`${((total * 1e6) / 256).toFixed(4)} |`)
  })
})
