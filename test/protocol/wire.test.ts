// The wire carries events as lines, and tells of an error only what was written for a reader; ids name their lane.

import { describe, expect, it } from 'vitest'
import { IsletError } from '../../src/lib/errors.ts'
import { isSessionId, laneOfId, laneOfSession, laneOfTurn, regionOf } from '../../src/protocol/ids.ts'
import { encodeEvent, errorEvent } from '../../src/protocol/wire.ts'

describe('an error', () => {
  it('of ours is told by its code, message and field', () => {
    expect(errorEvent(new IsletError('conflict', 'it answers now', { param: 'session' }))).toEqual({
      type: 'error',
      code: 'conflict',
      message: 'it answers now',
      param: 'session',
    })
  })

  it.each([
    new TypeError('/home/secret.ts'),
    'secret',
    undefined,
    null,
    { code: 'EACCES', message: 'secret' },
  ])('that nobody named tells nothing: %j', (thrown) => {
    expect(errorEvent(thrown)).toEqual({
      type: 'error',
      code: 'internal_error',
      message: 'something went wrong in this server',
    })
  })

  it('is one line, whatever its message', () => {
    const line = new TextDecoder().decode(encodeEvent(errorEvent(new IsletError('conflict', 'a\nb'))))
    expect(line.split('\n')).toHaveLength(2)
    expect(JSON.parse(line)).toMatchObject({ message: 'a\nb' })
  })
})

describe('an id', () => {
  const object = `s${'0a'.repeat(32)}`

  it.each(['0', '7', '1023', 'weur-0', 'apac-ne-12', object])('names its lane: %s', (lane) => {
    expect(laneOfSession(`sess_${lane}_r1`)).toBe(lane)
    expect(laneOfTurn(`${lane}_r1_t-2`)).toBe(lane)
    expect([laneOfId(`sess_${lane}_r1`), laneOfId(`${lane}_r1_t`)]).toEqual([lane, lane])
    expect(isSessionId(`sess_${lane}_r1`)).toBe(true)
  })

  it.each(['00', '01', '10000', 'moon-0', 'weur-', 'weur-01', '-1', object.slice(1), `${object}0`, ''])(
    'of no lane is none: %s',
    (lane) => {
      const notFound = expect.objectContaining({ code: 'not_found' }) as Error
      expect(() => laneOfSession(`sess_${lane}_r1`)).toThrow(notFound)
      expect(() => laneOfTurn(`${lane}_r1_t`)).toThrow(notFound)
      expect(isSessionId(`sess_${lane}_r1`)).toBe(false)
    },
  )

  it('has a region in it, or none', () => {
    expect(['weur-3', 'apac-ne-0', '3', object].map(regionOf)).toEqual([
      'weur',
      'apac-ne',
      undefined,
      undefined,
    ])
  })
})
