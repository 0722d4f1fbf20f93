// A host's class: workerd and Node say it by a result, and workerd can be forced to be a host of pairs.

import { afterAll, expect, test } from 'vitest'
import { buildKernels } from '../../tools/build.ts'
import { dotFlags, forceDots, nodeDots, workerdDots } from '../lib/dots.ts'
import { BenchError } from '../lib/setup.ts'

const FLAGS = 'MINIFLARE_WORKERD_V8_FLAGS'
const before = process.env[FLAGS]
afterAll(() => {
  if (before === undefined) Reflect.deleteProperty(process.env, FLAGS)
  else process.env[FLAGS] = before
})
buildKernels()

test('every host has a class, and without AVX-VNNI it is pairs', () => {
  const own = workerdDots()
  expect(['pairs', 'quads']).toContain(own)
  expect(['pairs', 'quads']).toContain(nodeDots(process.execPath, []))
  forceDots('pairs')
  expect(workerdDots()).toBe('pairs')
  expect(dotFlags()).toHaveLength(own === 'pairs' ? 0 : 1)
  // A host that was forced does not become another again.
  expect(() => forceDots('quads')).toThrow(BenchError)
})

test('a Node that does not start is named', () => {
  expect(() => nodeDots('/nowhere/node', [])).toThrow(/does not say how it computes dots/)
})
