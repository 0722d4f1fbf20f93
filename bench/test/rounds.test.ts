// Turns and medians: the order of rounds, what happens to a run that fails, and the numbers that the goals ask for.

import { describe, expect, test, vi } from 'vitest'
import { noStorageUse } from '../../src/storage/storage-use.ts'
import type { CaseRuns } from '../lib/cases.ts'
import { inUnit, verdict } from '../lib/goals.ts'
import {
  coldMeasures,
  hostsMeasures,
  memoryMeasures,
  peersMeasures,
  persistMeasures,
  sessionsMeasures,
  speedMeasures,
  windowMeasures,
} from '../lib/measures.ts'
import { compactJson } from '../lib/results.ts'
import { best, inTurns, speed, speeds, type Run } from '../lib/rounds.ts'

vi.spyOn(console, 'error').mockImplementation(() => undefined)

const took = (name: string, tokens: number, ...seconds: number[]): CaseRuns => ({
  case: name,
  tokens,
  runs: seconds.map((one) => ({ seconds: one })),
})
const run = (variant: string, ...cases: CaseRuns[]): Run => ({ variant, round: 0, cases })

describe('inTurns', () => {
  test('reverses the order each round', async () => {
    const order: string[] = []
    const variant = (name: string) => ({ name, run: () => (order.push(name), [took('prefill:1', 1, 1)]) })
    const { runs, retried } = await inTurns([variant('a'), variant('b'), variant('c')], 3)
    expect(order.join('')).toBe('abccbaabc')
    expect(runs.map(({ round }) => round)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2])
    expect(retried).toEqual([])
  })

  test('tries a failed run once more and says so', async () => {
    let calls = 0
    const flaky = {
      name: 'flaky',
      run: () => {
        if (++calls === 1) throw new Error('no port')
        return []
      },
    }
    expect((await inTurns([flaky], 1)).retried).toEqual(['round 1, flaky: no port'])
    const broken = { name: 'broken', run: () => Promise.reject(new Error('gone')) }
    await expect(inTurns([broken], 1)).rejects.toThrow('gone')
  })
})

describe('numbers', () => {
  const runs = [
    run('ours', took('decode:64@256', 64, 1, 0.5), took('prefill:256', 256, 1)),
    run('same', took('decode:64@256', 64, 2), took('prefill:256', 256, 2)),
    run('q4_0', took('decode:64@256', 64, 0.8), took('prefill:256', 256, 4)),
    run('ours', took('decode:64@256', 64, 0.4)),
  ]

  test('are medians over all repetitions of all rounds', () => {
    expect(speeds(runs, 'ours', 'decode:64@256')).toEqual([64, 128, 160])
    expect(speed(runs, 'ours', 'decode:64@256')).toBe(128)
    expect(speed(runs, 'ours', 'decode:64@1024')).toBeUndefined()
    expect(best(runs, ['same', 'q4_0'], 'decode:64@256')).toEqual({ variant: 'q4_0', speed: 80 })
    expect(best(runs, ['same', 'q4_0'], 'prefill:256')).toEqual({ variant: 'same', speed: 128 })
  })

  test('speed: beside the same file and beside the better of two', () => {
    expect(speedMeasures({ runs })).toEqual([
      { goal: 'prefill-same', label: 'prefill:256', value: 2 },
      { goal: 'prefill-256-best', label: 'prefill:256', value: 2 },
      { goal: 'decode-256-same', label: 'decode:64@256', value: 4 },
      { goal: 'decode-256-best', label: 'decode:64@256', value: 1.6 },
    ])
  })

  test('peers: beside each version at its better setting', () => {
    const peers = [
      run('ours', took('prefill:256', 256, 1)),
      run('wllama 2.4.0', took('prefill:256', 256, 10)),
      run('wllama 2.4.0, flash attention', took('prefill:256', 256, 8)),
      run('wllama 3.8.1', took('prefill:256', 256, 16)),
    ]
    expect(peersMeasures({ runs: peers }).map(({ label, value }) => [label, value])).toEqual([
      ['prefill:256, wllama 2.4.0', 8],
      ['prefill:256, wllama 3.8.1', 16],
    ])
  })

  test('sessions: all tokens beside the best single decode, and the best batch of as many', () => {
    const together = [
      run('ours', took('decode:64@256x4', 256, 1), took('decode:64@256x8', 512, 1)),
      run(
        'same',
        took('decode:64@256', 64, 1),
        took('decode:64@256x4', 256, 1),
        took('decode:64@256x8', 512, 2),
      ),
      run(
        'q4_0',
        took('decode:64@256', 64, 0.5),
        took('decode:64@256x4', 256, 2),
        took('decode:64@256x8', 512, 4),
      ),
    ]
    expect(sessionsMeasures({ runs: together }).map(({ goal, value }) => [goal, value])).toEqual([
      ['sessions', 2],
      ['sessions-4', 1],
      ['sessions-8', 2],
    ])
  })

  test('persist: by the clock and by what was counted; restoring beside prefilling', () => {
    const use = { ...noStorageUse(), saveMs: 10, findMs: 20, restoreMs: 30 }
    const turn = (seconds: number) => ({ seconds, gap: 0, firstToken: 0, use })
    const first = (firstToken: number) => ({ firstToken, use })
    const measures = persistMeasures({
      stored: [turn(2), turn(1), turn(6)],
      unstored: [turn(1), turn(1), turn(4)],
      restore: { positions: 1008, prefill: [first(2), first(3), first(9)], restored: [first(1)] },
    })
    expect(measures.map(({ goal, value }) => [goal, Number(value.toFixed(6))])).toEqual([
      ['persist', 1.5],
      ['persist', 1.005],
      ['restore', 60],
    ])
  })

  test('hosts, window, memory, cold', () => {
    const hosts = ['node', 'chromium', 'workerd'].map((host, i) =>
      run(host, took('decode:64@256', 64, 1 + i / 4)),
    )
    expect(hostsMeasures({ runs: hosts })[0].value).toBe(1.5)
    const near = { position: 1100, seconds: [1, 3, 2] }
    expect(windowMeasures({ near, far: { position: 10_000, seconds: [2.5, 9, 2] } })[0].value).toBeCloseTo(
      0.8,
    )
    const featured = { peak: 118e6, peaks: [118e6], held: 6e6 }
    const values = memoryMeasures({ window: 1024, peak: 117.5e6, featured }).map(({ value }) => value)
    expect(values).toEqual([117.5, 118])
    expect(memoryMeasures({ window: 512, peak: 1, featured })).toEqual([])
    expect(coldMeasures({ firstToken: [3, 3, 3], streaming: [1, 2, 9] })[0].value).toBe(1.5)
  })
})

describe('goals', () => {
  const of = (goal: Parameters<typeof inUnit>[0], value: number): string =>
    `${inUnit(goal, value)} ${verdict({ goal, label: '', value })}`

  test('are met from their number on, and a miss is a miss', () => {
    expect(of('decode-256-same', 1.699)).toBe('1.70 x not met')
    expect(of('decode-256-same', 1.7)).toBe('1.70 x met')
    expect(of('decode-256-same', 2)).toBe('2.00 x stretch goal met')
    expect(of('memory', 114.5)).toBe('114.5 MB met')
    expect(of('memory', 114.56)).toBe('114.6 MB not met')
    expect(of('hosts', 1.31)).toBe('1.31 x not met')
    expect(of('window', 0.9699)).toBe('0.970 x not met')
    expect(of('persist', 1.031)).toBe('1.031 x not met')
    expect(of('restore', 40)).toBe('40.00 x met')
    expect(of('kernels', 0.5)).toBe('0.50 x reported')
  })
})

test('compactJson keeps every value', () => {
  const value = {
    runs: [
      { case: 'a', list: [1, 2.5, -3e-7] },
      { seconds: 1, chunks: 2 },
    ],
    text: 'x {\n} [1,\n2]',
  }
  const text = compactJson(value)
  expect(JSON.parse(text)).toEqual(value)
  expect(text).toContain('[ 1, 2.5, -3e-7 ]')
  expect(text).toContain('{ "seconds": 1, "chunks": 2 }')
})
