// What is published as islet/fetch: made of its source, small, and of no package.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { publishedFetch } from '../../tools/publish-fetch.ts'
import { ROOT } from '../../tools/root.ts'

const published = (name: string): string => readFileSync(`${ROOT}published/${name}`, 'utf8')

test('the files are those of the source (else: node tools/publish-fetch.ts)', () => {
  for (const [name, text] of publishedFetch()) expect(published(name), name).toBe(text)
})

test('package.json names them, and they are 2 KB at most', () => {
  const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { exports: unknown }
  expect(exports).toEqual({ './fetch': { types: './published/fetch.d.ts', default: './published/fetch.js' } })
  expect(Buffer.byteLength(published('fetch.js'))).toBeLessThanOrEqual(2048)
})

test('it imports nothing, and runs as a module', async () => {
  expect(published('fetch.js')).not.toMatch(/\bimport\b|\brequire\b/)
  const name = '../../published/fetch.js'
  const { readingOn, fetch } = (await import(name)) as Record<string, unknown>
  expect([typeof readingOn, typeof fetch]).toEqual(['function', 'function'])
})
