// The list of planted bugs stays true to the code: each has its one place, can be parsed, and names tests that exist.

import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../../tools/root.ts'
import { planted, readMutants } from './list.ts'

const mutants = readMutants()

describe('the list of planted bugs', () => {
  it('has at least 120, each with a name of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(120)
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
  })

  it('has some in every room', () => {
    const rooms = new Set(mutants.map(({ file }) => file.split('/').slice(0, 2).join('/')))
    const src = [
      'api',
      'routing',
      'lane',
      'packing',
      'storage',
      'answer',
      'chat',
      'engine',
      'graph',
      'sampling',
      'cache',
    ]
    const low = ['weights', 'models', 'tokenizer', 'formats', 'kernels', 'protocol', 'lib']
    for (const room of [...src, ...low]) expect([...rooms]).toContain(`src/${room}`)
    for (const room of ['assembly/matmul', 'assembly/attention', 'assembly/ops', 'cli/lib'])
      expect([...rooms]).toContain(room)
  })
})

describe.each(mutants)('the bug "$id"', (mutant) => {
  it('has one place in a file, is a program, and names tests that exist', () => {
    const text = readFileSync(join(ROOT, mutant.file), 'utf8')
    const broken = planted(text, mutant)
    expect(broken).not.toBe(text)
    // Kernels are compiled by another compiler, when they are planted.
    if (!mutant.file.startsWith('assembly/')) expect(() => stripTypeScriptTypes(broken)).not.toThrow()
    expect(mutant.tests.length).toBeGreaterThan(0)
    for (const test of mutant.tests) expect(existsSync(join(ROOT, 'test', test)), test).toBe(true)
  })
})
