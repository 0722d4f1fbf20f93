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
  expect(gate.step).toBeUndefined()
  gate.pass(change('a'))
  expect(made).toEqual(['a'])
  gate.open()
  expect(made).toEqual(['a'])
})

describe('a gate that is shut', () => {
  beforeEach(() => gate.shut(step))

  test('holds changes back until it opens, and makes them in order, once', () => {
    gate.pass(change('a'))
    gate.pass(change('b'))
    expect(gate.step).toBe(step)
    expect(made).toEqual([])
    gate.open()
    expect(made).toEqual(['a', 'b'])
    gate.open()
    expect(made).toEqual(['a', 'b'])
  })

  test('is open when the changes that waited are made', () => {
    gate.pass(() => {
      made.push(`step ${gate.step === undefined ? 'gone' : 'there'}`)
      gate.pass(change('inner'))
    })
    gate.pass(change('last'))
    gate.open()
    expect(made).toEqual(['step gone', 'inner', 'last'])
  })

  test('forgets the changes with a step that is dropped', () => {
    gate.pass(change('a'))
    gate.drop()
    expect(gate.step).toBeUndefined()
    gate.pass(change('b'))
    gate.shut(step)
    gate.open()
    expect(made).toEqual(['b'])
  })

  test.each(['open', 'drop'] as const)('has the promise of its rows until it is told to %s', async (end) => {
    expect(gate.ran).toBeUndefined()
    const ran = Promise.resolve(7)
    expect(gate.await(ran)).toBe(ran)
    expect(gate.ran).toBe(ran)
    gate[end]()
    expect(gate.ran).toBeUndefined()
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
  gate.shut(step)
  expect(gate.isAbandoned, 'each step has its own time').toBe(false)
  time += ABANDONED_MS
  gate.open()
  expect(gate.isAbandoned).toBe(false)
})
