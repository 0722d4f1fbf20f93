// The walks of docs/architecture.md name files that exist, and each file is reached as its line says.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const STEP = /^(\d+)\. (?:\((RPC|stream|implements|from `([^`]+)`)\) )?`(src\/[^`]+)` /

type Step = { number: number; how: string | undefined; from: string | undefined; file: string }

/** The steps of each numbered list below "## Walks". A list's name is the heading above it and the place it has there. */
function walks(): { name: string; steps: Step[]; odd: string[] }[] {
  const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const section = /\n## Walks\n([^]*?)\n## /.exec(text)?.[1] ?? ''
  return section
    .split('\n### ')
    .slice(1)
    .flatMap((part) => {
      const lists = part.split('\n\n').filter((block) => block.startsWith('1. '))
      return lists.map((list, place) => {
        const lines = list.trim().split('\n')
        const steps = lines.flatMap((line) => {
          const [, number, how, from, file] = STEP.exec(line) ?? []
          return file === undefined ? [] : [{ number: Number(number), how, from, file }]
        })
        const odd = lines.filter((line) => !STEP.test(line))
        return { name: `${part.split('\n')[0]}, list ${place + 1}`, steps, odd }
      })
    })
}

function imports(from: string, to: string): boolean {
  const text = readFileSync(join(ROOT, from), 'utf8')
  const found = [...text.matchAll(/ from '(\.[^']+)'/g)].map(([, path]) => join(dirname(from), path))
  return found.includes(to)
}

/** What is wrong with a step, given those before it; undefined if nothing. */
function problemOf(step: Step, before: readonly Step[]): string | undefined {
  const { number, how, from, file } = step
  if (number !== before.length + 1) return `${file} has the number ${number}`
  if (!existsSync(join(ROOT, file))) return `${file} is not there`
  const last = before.at(-1)
  if (last === undefined || how === 'RPC' || how === 'stream') return undefined
  if (from !== undefined && !before.some((earlier) => earlier.file === from))
    return `${from} comes not before ${file}`
  if (how === 'implements')
    return imports(file, last.file) ? undefined : `${file} does not import ${last.file}`
  const importer = from ?? last.file
  if (!existsSync(join(ROOT, importer))) return undefined
  return imports(importer, file) ? undefined : `${importer} does not import ${file}`
}

describe('walks of docs/architecture.md', () => {
  it('are a request, a message, a call of a binding, a step through a chain, a decision, a prompt, a page and a tensor', () => {
    expect(walks().map(({ name }) => name)).toEqual([
      'A chat request, list 1',
      'A message of another dialect, list 1',
      'A message of another dialect, list 2',
      'A request to one of several models, list 1',
      'A call of a binding, list 1',
      'A step through a chain, list 1',
      'A decision, list 1',
      "A prompt's ids, list 1",
      'A page to SQLite and back, list 1',
      'A page to SQLite and back, list 2',
      'A tensor through packing, list 1',
      'A tensor through packing, list 2',
    ])
  })

  it.each(walks())('$name: each line is a step, and each file is reached as it says', ({ steps, odd }) => {
    expect(odd).toEqual([])
    expect(steps.length).toBeGreaterThan(4)
    const problems = steps.map((step, at) => problemOf(step, steps.slice(0, at)))
    expect(problems.filter((problem) => problem !== undefined)).toEqual([])
  })
})
