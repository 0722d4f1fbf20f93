// Changes at the gate: at once where no step is planned, else behind it and in order; with a dropped step they are gone.

import { beforeEach, describe, expect, test } from 'vitest'
import { StepGate } from '../../src/engine/step-gate.ts'
import { ABANDONED_MS, type Step } from '../../src/engine/step.ts'

const step: Step = { rows: [], parts: [], caller: undefined }

let time: number
let gate: StepGate
let made: string[]
const change = (name: string) => (): void => void made.push(name)

beforeEach(() => {
  time = 5000
  made = []
  gate = new StepGate(() => time)
})

test('an open gate lets a change pass at once', () => {
  expect(gate.steps).toEqual([])
  gate.pass(change('a'))
  expect(made).toEqual(['a'])
  gate.open(step)
  expect(made).toEqual(['a'])
})

describe('a gate that is shut', () => {
  beforeEach(() => gate.shut(step))

  test('holds changes back until it opens, and makes them in order, once', () => {
    gate.pass(change('a'))
    gate.pass(change('b'))
    expect(gate.steps).toEqual([step])
    expect(made).toEqual([])
    gate.open(step)
    expect(made).toEqual(['a', 'b'])
    gate.open(step)
    expect(made).toEqual(['a', 'b'])
  })

  test('is open when the changes that waited are made', () => {
    gate.pass(() => {
      made.push(`step ${!gate.isShut ? 'gone' : 'there'}`)
      gate.pass(change('inner'))
    })
    gate.pass(change('last'))
    gate.open(step)
    expect(made).toEqual(['step gone', 'inner', 'last'])
  })

  test('forgets the changes with a step that is dropped', () => {
    gate.pass(change('a'))
    gate.drop()
    expect(gate.steps).toEqual([])
    gate.pass(change('b'))
    gate.shut(step)
    gate.open(step)
    expect(made).toEqual(['b'])
  })

  test.each(['open', 'drop'] as const)('has the promise of its rows until it is told to %s', async (end) => {
    expect(gate.ranFor(undefined)).toBeUndefined()
    const ran = Promise.resolve(7)
    gate.await(step, ran)
    expect(gate.ranFor(undefined)).toBe(ran)
    expect(gate.ranFor({ id: 'other', find: () => undefined, save: () => undefined })).toBeUndefined()
    gate[end](step)
    expect(gate.ranFor(undefined)).toBeUndefined()
    expect(await ran).toBe(7)
  })
})

test('a step is abandoned when its time is over, counted from when it was planned', () => {
  expect(gate.isAbandoned).toBe(false)
  time += ABANDONED_MS
  expect(gate.isAbandoned, 'no step, none abandoned').toBe(false)
  gate.shut(step)
  expect(gate.isAbandoned).toBe(false)
  time += ABANDONED_MS - 1
  expect(gate.isAbandoned).toBe(false)
  time += 1
  expect(gate.isAbandoned).toBe(true)
  gate.open(step)
  gate.shut(step)
  expect(gate.isAbandoned, 'each step has its own time').toBe(false)
  time += ABANDONED_MS
  gate.open(step)
  expect(gate.isAbandoned).toBe(false)
})

describe('a gate for two steps', () => {
  const other: Step = { ...step }

  beforeEach(() => (gate = new StepGate(() => time, 2)))

  test('has room for a second, unless a change waits, and opens behind the last, whichever that is', () => {
    expect(gate.room).toBe(2)
    gate.shut(step)
    expect(gate.room).toBe(1)
    gate.shut(other)
    expect([gate.room, gate.steps]).toEqual([0, [step, other]])
    gate.open(step)
    expect([gate.room, gate.isShut]).toEqual([1, true])
    gate.pass(change('a'))
    expect([gate.room, made]).toEqual([0, []])
    gate.open(other)
    expect([gate.room, made, gate.isShut]).toEqual([2, ['a'], false])
  })

  test('gives a caller the oldest of its steps that are answered later', () => {
    const [one, two] = [Promise.resolve(1), Promise.resolve(2)]
    gate.shut(step)
    gate.shut(other)
    gate.await(other, two)
    expect(gate.ranFor(undefined)).toBe(two)
    gate.await(step, one)
    expect(gate.ranFor(undefined)).toBe(one)
    gate.open(step)
    expect(gate.ranFor(undefined)).toBe(two)
  })

  test('each step has its own time', () => {
    gate.shut(step)
    time += ABANDONED_MS - 1
    gate.shut(other)
    time += 1
    expect(gate.isAbandoned).toBe(true)
    gate.open(step)
    expect(gate.isAbandoned).toBe(false)
  })
})
