// What is published as islet/fetch and islet/binding: made of its source, small, and of no package.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { publishedFiles } from '../../tools/publish.ts'
import { ROOT } from '../../tools/root.ts'

const published = (name: string): string => readFileSync(`${ROOT}published/${name}`, 'utf8')

test('the files are those of the sources (else: node tools/publish.ts)', () => {
  for (const [name, text] of publishedFiles()) expect(published(name), name).toBe(text)
})

const MODULES: [name: string, most: number, exported: string[]][] = [
  ['fetch', 2048, ['fetch', 'readingOn']],
  ['binding', 1024, ['workersAI']],
]

test('package.json names them', () => {
  const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { exports: unknown }
  const entry = (name: string) => ({ types: `./published/${name}.d.ts`, default: `./published/${name}.js` })
  const worker = { types: './dist/src/islet.d.ts', default: './dist/src/islet.js' } // test/package
  expect(exports).toEqual({ './worker': worker, ...Object.fromEntries(MODULES.map(([name]) => [`./${name}`, entry(name)])) }) // prettier-ignore
})

describe.each(MODULES)('islet/%s', (name, most, exported) => {
  test('is small', () => {
    expect(Buffer.byteLength(published(`${name}.js`))).toBeLessThanOrEqual(most)
  })

  test('imports nothing, and runs as a module', async () => {
    expect(published(`${name}.js`)).not.toMatch(/\bimport\b|\brequire\b/)
    const module = (await import(`../../published/${name}.js`)) as Record<string, unknown>
    expect(Object.keys(module).sort()).toEqual(exported)
    for (const one of exported) expect(module[one]).toBeTypeOf('function')
  })
})
