// Scores and options of the command line are what their words say: second halves, standard errors, which way a divergence goes.

import { describe, expect, it } from 'vitest'
import { idList, windowOption, wholeNumber } from '../../cli/lib/options.ts'
import { countedIds, divergence, firstRow, scoreText } from '../../cli/lib/score.ts'
import { logSumExp } from '../../src/sampling/logprobs.ts'
import { Feed } from '../../src/graph/feed.ts'
import { MockModel } from '../helpers/mock-model.ts'

const ids = Array.from({ length: 50 }, (_, i) => (i * 7 + 31) % 251)
const WINDOW = { window: 8, sinks: 2 }

/** Surprises of the ids that count and divergences there, chunk by chunk, computed plainly. */
function plainly(context: number) {
  const nats: number[] = []
  const kl: number[] = []
  for (let from = 0; from + context <= ids.length; from += context) {
    const chunk = ids.slice(from, from + context)
    const rowsOf = (model: MockModel): Float32Array[] => {
      const rows: Float32Array[] = []
      new Feed(model).run(chunk, (logits) => rows.push(logits.slice()))
      return rows
    }
    const [own, other] = [rowsOf(new MockModel()), rowsOf(new MockModel({ window: WINDOW }))]
    for (let place = Math.floor(context / 2); place < context - 1; place++) {
      const [p, q] = [other[place], own[place]].map((row) => {
        const sum = row.reduce((total, logit) => total + Math.exp(logit), 0)
        return Array.from(row, (logit) => Math.exp(logit) / sum)
      })
      nats.push(-Math.log(q[chunk[place + 1]]))
      kl.push(p.reduce((total, value, i) => total + value * Math.log(value / q[i]), 0))
    }
  }
  return { nats, kl }
}

describe('a score', () => {
  it('is that of the second half of each whole chunk, with its standard error', () => {
    const score = scoreText(new MockModel(), ids, {
      context: 12,
      bos: undefined,
      against: new MockModel({ window: WINDOW }),
    })
    const { nats, kl } = plainly(12)
    const count = nats.length
    const mean = nats.reduce((a, b) => a + b, 0) / count
    const variance = nats.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)
    expect([score.chunks, score.tokens, count]).toEqual([4, 20, 20])
    expect(score.nats.mean).toBeCloseTo(mean, 6)
    expect(score.nats.error).toBeCloseTo(Math.sqrt(variance / count), 6)
    expect(score.against?.kl.mean).toBeCloseTo(kl.reduce((a, b) => a + b, 0) / count, 6)
    expect(countedIds(ids, 12)).toHaveLength(20)
    expect([firstRow(12), firstRow(5)]).toEqual([6, 2])
  })

  it('weighs a divergence by the reference', () => {
    const reference = Float32Array.from([2, 0, 0])
    const own = Float32Array.from([0, 0, 3])
    const way = divergence(reference, logSumExp(reference), own, logSumExp(own))
    const back = divergence(own, logSumExp(own), reference, logSumExp(reference))
    expect(way).toBeCloseTo(2.1098, 3)
    expect(back).not.toBeCloseTo(way, 2)
  })
})

describe('options', () => {
  it('keep four sinks where no number is given, and as many as are said', () => {
    expect(windowOption('64', undefined)).toEqual({ window: 64, sinks: 4 })
    expect(windowOption('64', '0')).toEqual({ window: 64, sinks: 0 })
    expect(windowOption('64,128', '2')).toEqual({ window: 128, sinks: 2, byDepth: [64, 128] })
    expect(windowOption(undefined, '2')).toEqual({ window: undefined, sinks: 0 })
  })

  it('may be the lowest that is allowed, and not one less', () => {
    expect(wholeNumber('4', '--n', 4)).toBe(4)
    for (const bad of ['3', '-4', '4.0', '', '4x', '1e1'])
      expect(() => wholeNumber(bad, '--n', 4)).toThrow('--n')
    expect(() => windowOption('0', undefined)).toThrow('--window')
    expect(idList('1, 2,3', '--ids')).toEqual([1, 2, 3])
    expect(idList(' ', '--ids')).toEqual([])
  })
})
