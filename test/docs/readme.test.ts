// What README.md, CONTRIBUTING.md and docs/ say of the repository is so: folders, commands, error codes, parameters, links.

import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../../src/api/http/errors.ts'
import { sharedFields } from '../../src/api/dialects/fields.ts'
import { parseChat } from '../../src/api/dialects/chat/schema.ts'
import { parseCompletion } from '../../src/api/dialects/completions/schema.ts'
import { readConfig } from '../../src/env.ts'
import { exposition } from '../../src/api/metrics/exposition.ts'
import { noGenerations } from '../../src/protocol/tally.ts'
import { noStorageUse } from '../../src/storage/storage-use.ts'
import { errorCode, IsletError, SERVER_CODES, USER_CODES } from '../../src/lib/errors.ts'
import { ROOT } from '../../tools/root.ts'

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Rows of the tables below a heading, the header's too: each cell's text. */
function rowsAfter(text: string, heading: string): string[][] {
  const section = text.slice(text.indexOf(`\n${heading}\n`) + heading.length + 2).split(/^## /m)[0]
  const lines = section.split('\n').filter((line) => line.startsWith('| '))
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name)

describe('README', () => {
  it('is read in a hurry', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })

  it('and the index of docs/ lead to every document', () => {
    const linked = [...read('docs/README.md').matchAll(/\]\(([\w.-]+\.md)\)/g)].map(([, target]) => target)
    const pages = globSync('*.md', { cwd: join(ROOT, 'docs') }).filter((page) => page !== 'README.md')
    expect(linked.toSorted()).toEqual(pages.toSorted())
  })
})

describe('the tree in CONTRIBUTING.md', () => {
  const tree = /<!-- tree -->\n```\n([^]*?)```/.exec(read('CONTRIBUTING.md'))?.[1] ?? ''
  const named = tree.split('\n').flatMap((line) => /^([\w.-]+)\/ {2,}\S/.exec(line)?.[1] ?? [])

  it('names only folders that exist', () => {
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([])
  })

  it('names every folder', () => {
    const passing = new Set(['node_modules', 'build', 'dist'])
    const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const kept = folders.filter(({ name }) => !name.startsWith('.') && !passing.has(name))
    // Git does not know empty folders: a clone has none.
    const filled = kept.filter(({ name }) => readdirSync(join(ROOT, name)).length > 0).map(({ name }) => name)
    expect(filled.filter((name) => !named.includes(name))).toEqual([])
  })
})

describe('docs/cli.md', () => {
  it('lists the commands that there are', () => {
    const listed = rowsAfter(read('docs/cli.md'), '## Commands')
      .slice(1)
      .map(([cell]) => cell.slice(1).split(/[ `]/)[0])
    const files = readdirSync(join(ROOT, 'cli')).flatMap((file) => /^(\w+)\.ts$/.exec(file)?.[1] ?? [])
    expect(listed.toSorted()).toEqual(files.filter((name) => name !== 'main').toSorted())
  })
})

describe('docs/api.md', () => {
  const text = read('docs/api.md')

  it('gives every error code its status', () => {
    const rows = rowsAfter(text, '## Errors').slice(1)
    const listed = Object.fromEntries(rows.map(([code, status]) => [quoted(code)[0], Number(status)]))
    const codes = [...USER_CODES, ...SERVER_CODES]
    expect(listed).toEqual(
      Object.fromEntries(codes.map((code) => [code, failureOf(new IsletError(code, '-')).status])),
    )
  })
})

describe('docs/dialects', () => {
  const endpoints = [
    { page: 'chat', heading: '## `POST /v1/chat/completions`', parse: parseChat },
    { page: 'completions', heading: '## `POST /v1/completions`', parse: parseCompletion },
  ]
  it.each(endpoints)(
    'lists every shared field, and none that $heading does not know',
    ({ page, heading, parse }) => {
      const text = read(`docs/dialects/${page}.md`)
      const without = text.split('\n').filter((line) => /^\*\*(Accepted|Refused)/.test(line))
      const top = [...rowsAfter(text, heading).map(([cell]) => cell), ...without].flatMap(quoted)
      const fields = top.filter((name) => /^\w+$/.test(name) && name !== 'unsupported_parameter')
      expect(Object.keys(sharedFields).filter((name) => !fields.includes(name))).toEqual([])
      for (const field of fields) {
        expect(
          codeOf(() => parse({ [field]: Symbol('no value') }, () => 0)),
          field,
        ).not.toBe('unknown_parameter')
      }
      expect(codeOf(() => parse({ temprature: 1 }, () => 0))).toBe('unknown_parameter')
    },
  )
})

describe('variables', () => {
  const known = [...read('src/env.ts').matchAll(/^ {2,4}([A-Z_]+): z\./gm)].map(([, name]) => name)
  const set = Object.fromEntries(
    [...read('wrangler.toml').matchAll(/^([A-Z_]+) = "([^"]*)"/gm)].map(([, name, value]) => [name, value]),
  )
  const shown = known.filter((name) => name !== 'API_KEYS')

  it('stand in wrangler.toml at their defaults', () => {
    expect(Object.keys(set).toSorted()).toEqual(shown.toSorted())
    expect(readConfig(set)).toEqual(readConfig({}))
  })

  it('stand in docs/deploying.md', () => {
    const rows = rowsAfter(read('docs/deploying.md'), '## Variables').slice(1)
    expect(rows.flatMap(([cell]) => quoted(cell)).toSorted()).toEqual(shown.toSorted())
    for (const [cell, value] of rows) {
      const [name] = quoted(cell)
      expect(value.replaceAll('`', '').replace('empty', ''), name).toBe(set[name])
    }
  })

  it('and bindings are weighed in docs/operating.md', () => {
    const env = /export type Env = \{([^]*?)\n\} &/.exec(read('src/env.ts'))?.[1] ?? ''
    const bindings = [...env.matchAll(/^ {2}([A-Z_]+)\??:/gm)].map(([, name]) => name)
    expect(bindings).toContain('RATE_LIMITER')
    const rows = rowsAfter(read('docs/operating.md'), '## What each variable costs or risks').slice(1)
    expect(rows.map(([cell]) => quoted(cell)[0]).toSorted()).toEqual([...known, ...bindings].toSorted())
    for (const cells of rows) for (const cell of cells) expect(cell.length).toBeGreaterThan(3)
  })
})

describe('metrics', () => {
  it('stand in docs/operating.md, each with its type', () => {
    const names: [name: string, type: string][] = []
    const metrics = {
      ...noGenerations(),
      ended: { stop: 1 },
      running: 0,
      waiting: 0,
      storage: noStorageUse(),
    }
    const engine = { pagesFree: 1, pageCount: 2, linearMemoryBytes: 3 }
    const body = exposition([{ labels: {}, metrics: { ...metrics, engine } }])
    for (const [, name, type] of body.matchAll(/^# TYPE (\S+) (\S+)$/gm)) names.push([name, type])
    const rows = rowsAfter(read('docs/operating.md'), '## Metrics').slice(1)
    const listed = rows.flatMap(([cell, type]) => quoted(cell).map((name) => [name, type]))
    expect(listed.toSorted()).toEqual(names.toSorted())
  })
})

describe('documents', () => {
  const paths = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', 'scripts/*/*.md'], { cwd: ROOT })

  it.each(paths)('%s links to files that exist', (path) => {
    const links = [...read(path).matchAll(/\]\(([^)#\s]+)[^)\s]*\)/g)].map(([, target]) => target)
    const local = links.filter((target) => !/^[a-z]+:/.test(target))
    expect(local.filter((target) => !existsSync(join(ROOT, dirname(path), target)))).toEqual([])
  })
})

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return errorCode(error)
  }
}
