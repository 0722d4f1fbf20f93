// An alarm rings at the earliest time that was asked for, and a pacer rests by the clock or, where that stands still, by steps.

import { describe, expect, test } from 'vitest'
import { Alarm } from '../../src/lane/alarm.ts'
import { Pacer } from '../../src/lane/pacer.ts'

describe('an alarm', () => {
  const begin = () => {
    const set: number[] = []
    return { alarm: new Alarm((time) => set.push(time)), set }
  }

  test('is set to an earlier time alone', () => {
    const { alarm, set } = begin()
    for (const time of [50, 60, 50, 40, 45]) alarm.wake(time)
    expect(set).toEqual([50, 40])
  })

  test('that is set already is moved to an earlier time alone, and set anew when it rang', () => {
    const { alarm, set } = begin()
    alarm.isSet(50)
    alarm.wake(60)
    alarm.wake(50)
    alarm.wake(49)
    alarm.forget()
    alarm.wake(70)
    expect(set).toEqual([49, 70])
  })
})

describe('a pacer', () => {
  const begin = () => {
    const clock = { time: 1000, waited: [] as number[] }
    const pacer = new Pacer({ now: () => clock.time, wait: async (ms) => void clock.waited.push(ms) })
    return { clock, pacer }
  }

  test('is due after 50 ms, and not before by a clock that goes', () => {
    const { clock, pacer } = begin()
    for (let i = 0; i < 100; i++) pacer.stepped(1)
    clock.time = 1049
    expect(pacer.isDue).toBe(false)
    clock.time = 1050
    expect(pacer.isDue).toBe(true)
  })

  test.each([
    [1, 8],
    [4, 5],
    [32, 2],
  ])('by a clock that stands still is due after steps of %i rows: %i', (rows, steps) => {
    const { pacer } = begin()
    for (let i = 1; i < steps; i++) pacer.stepped(rows)
    expect(pacer.isDue).toBe(false)
    pacer.stepped(rows)
    expect(pacer.isDue).toBe(true)
  })

  test('begins anew with each rest', async () => {
    const { clock, pacer } = begin()
    for (let i = 0; i < 20; i++) pacer.stepped(4)
    await pacer.rest()
    expect(pacer.isDue).toBe(false)
    pacer.stepped(4)
    expect(pacer.isDue).toBe(false)
    clock.time = 1060
    expect(pacer.isDue).toBe(true)
    await pacer.rest(5)
    expect([pacer.isDue, clock.waited]).toEqual([false, [0, 5]])
  })
})
