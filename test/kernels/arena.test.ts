// Linear memory that cannot be had is out_of_memory: refused by the host, or beyond 4 GiB.

import { expect, it, vi } from 'vitest'
import { ArenaPlan } from '../../src/kernels/arena.ts'

it('a refusal of the host names the bytes and keeps its reason', () => {
  const refusal = new RangeError('could not allocate memory')
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function () {
    throw refusal
  })
  const plan = new ArenaPlan()
  plan.reserve(65536)
  try {
    expect(() => plan.allocate()).toThrow(
      expect.objectContaining({
        code: 'out_of_memory',
        message: expect.stringContaining('131072 bytes') as string,
        cause: refusal,
      }),
    )
  } finally {
    vi.restoreAllMocks()
  }
  expect(plan.allocate().buffer.byteLength).toBe(131072)
})

it('more than 4 GiB is not asked for', () => {
  const plan = new ArenaPlan()
  plan.reserve(2 ** 32)
  expect(() => plan.allocate()).toThrow(expect.objectContaining({ code: 'out_of_memory' }))
})

it('two plans share bytes, and what follows lies behind the larger', () => {
  for (const [first, second] of [
    [1000, 100],
    [100, 1000],
  ]) {
    const plan = new ArenaPlan()
    const start = plan.reserve(1)
    const { a, b } = plan.overlay(
      () => ({ a: plan.reserve(first) }),
      () => ({ b: plan.reserve(second) }),
    )
    expect([a, b]).toEqual([start + 64, start + 64])
    expect(plan.reserve(1)).toBe(start + 64 + 1024)
  }
})
