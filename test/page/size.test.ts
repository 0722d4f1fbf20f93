// All of the page is small as gzip sends it, loads nothing from elsewhere, and has no way to make HTML of a string.

import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { buildPage } from '../../tools/page.ts'

/** For HTML, styles, script and service worker together, in bytes, gzipped. */
const GOAL = 40_000

const { files, parts, shortened } = buildPage()
const text = (name: RegExp): string => {
  const found = [...files].find(([file]) => name.test(file))
  if (found === undefined) throw new Error(`no file is called ${name}`)
  return new TextDecoder().decode(found[1])
}

const sizes = [...files].map(([name, bytes]) => [name, gzipSync(bytes, { level: 9 }).length] as const)
const all = sizes.reduce((sum, [, size]) => sum + size, 0)

it(`has at most ${GOAL} bytes, gzipped`, () => {
  expect(all).toBeGreaterThan(10_000)
  expect(all, JSON.stringify(sizes)).toBeLessThanOrEqual(GOAL)
})

it('is four files, and the index names script and styles by their hashes', () => {
  const plain = [...files.keys()].map((name) => name.replace(/-[A-Z0-9]{8}/, '-HASH')).sort()
  expect(plain).toEqual(['index.page', 'page-HASH.css', 'page-HASH.js', 'sw.js'])
  const index = text(/^index/)
  for (const name of files.keys()) if (name.startsWith('page-')) expect(index).toContain(`"/play/${name}"`)
  expect(text(/^sw/)).toContain([...files.keys()].find((name) => name.endsWith('.css')))
})

it('is the same for the same sources', () => {
  expect([...buildPage().files.keys()]).toEqual([...files.keys()])
})

it('shortens no name that a browser, an API or a file knows', () => {
  expect(shortened).toContain('isRunning')
  const types = createRequire(import.meta.url).resolve('typescript')
  const known = new Set<string>()
  for (const file of globSync(join(dirname(types), 'lib.*.d.ts')))
    for (const [name] of readFileSync(file, 'utf8').matchAll(/[\w$]+/g)) known.add(name)
  expect(shortened.filter((name) => known.has(name))).toEqual([])
  const shared = ['src/protocol/**/*.ts', 'src/api/**/*.ts', 'page/state/{exchange,copy-as}.ts']
  const texts = globSync(shared).map((file) => readFileSync(file, 'utf8')).join() // prettier-ignore
  const quoted = new Set([...texts.matchAll(/'([\w? ]+)'/g)].flatMap(([, words]) => words.split(/[ ?]+/)))
  expect(shortened.filter((name) => quoted.has(name))).toEqual([])
})

it('loads nothing from another origin', () => {
  const index = text(/^index/)
  const loaded = [...index.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url)
  expect(loaded.length).toBeGreaterThan(2)
  expect(loaded.filter((url) => !/^(\/play\/|data:image\/svg)/.test(url))).toEqual([])
  expect(text(/\.css$/)).not.toMatch(/@import|url\(\s*["']?(?!data:)/)
})

it('makes no HTML of strings, and no code', () => {
  const ours = [...parts.keys()].filter((file) => !file.includes('node_modules'))
  expect(ours.length).toBeGreaterThan(20)
  const script = text(/\.js$/)
  expect(script).not.toMatch(/insertAdjacentHTML|(inner|outer)HTML|document\.write|new Function|eval\(/)
})
