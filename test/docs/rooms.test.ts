// The tables of rooms name the folders of src/, all of them and no others; so does the table of test folders with the rest.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../../tools/root.ts'

const foldersOf = (path: string): string[] =>
  readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()

/** Folders in the first cells of the table under `header`. */
function named(path: string, header: RegExp): string[] {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n')
  const rows = lines.slice(lines.findIndex((line) => header.test(line)) + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows
    .slice(0, end)
    .flatMap((row) => [...row.split('|')[1].matchAll(/`([\w-]+)\/`/g)].map(([, name]) => name))
    .sort()
}

describe('folders', () => {
  const rooms = foldersOf('src')

  it.each(['CONTRIBUTING.md', 'docs/architecture.md'])('%s lists the rooms of src/', (path) => {
    expect(named(path, /^\| room \|/)).toEqual(rooms)
  })

  it('test/ has folders of rooms, and those that CONTRIBUTING.md names', () => {
    const others = named('CONTRIBUTING.md', /^\| folder \|/)
    expect(others.length).toBeGreaterThan(5)
    expect(others.filter((name) => rooms.includes(name))).toEqual([])
    const known = [...rooms, ...others]
    expect(foldersOf('test').filter((name) => !known.includes(name))).toEqual([])
  })
})
