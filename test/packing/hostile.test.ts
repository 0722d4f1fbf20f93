// Hostile checkpoints: `pack` and `inspect` exit with 2 within 10 s and 200 MB, name the file at fault, and leave nothing behind.

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOSTILE, makeCase } from './hostile/cases.ts'
import type { Outcome } from './hostile/run.ts'

const SECONDS = 10
const MEGABYTES = 200
/** Processes, two at a time: the peak of one is that of all its cases. */
const PROCESSES = 16
/** Of all of them together: half a minute on an idle machine, two on one that is busy. */
const HOOK_MS = 300_000

const home = mkdtempSync(join(tmpdir(), 'islet-hostile-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const RUN = fileURLToPath(new URL('hostile/run.ts', import.meta.url))
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** Every PROCESSES-th case from `first` on. A command that takes too long is the last line, without an outcome. */
async function outcomes(first: number): Promise<Partial<Outcome>[]> {
  const args = ['--no-warnings', '--expose-gc', RUN, home, String(first), String(PROCESSES)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines: Partial<Outcome>[] = []
  let timer: NodeJS.Timeout | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue // what pack says itself
    clearTimeout(timer)
    timer = setTimeout(() => child.kill('SIGKILL'), SECONDS * 1000)
    const said = JSON.parse(line) as Partial<Outcome>
    if (lines.at(-1)?.code === undefined) lines.pop()
    lines.push(said)
  }
  clearTimeout(timer)
  return lines
}

const names = (file: string | RegExp, text: string): boolean =>
  typeof file === 'string' ? text.includes(file) : file.test(text)

describe('hostile checkpoints', () => {
  const all = new Map<string, Partial<Outcome>>()
  beforeAll(async () => {
    const waiting = Array.from({ length: PROCESSES }, (_, first) => first)
    const worker = async (): Promise<void> => {
      for (let first = waiting.shift(); first !== undefined; first = waiting.shift())
        for (const outcome of await outcomes(first)) all.set(`${outcome.command} ${outcome.index}`, outcome)
    }
    await Promise.all([worker(), worker()])
  }, HOOK_MS)

  it('are more than 105, each of its own name', () => {
    expect(HOSTILE.length).toBeGreaterThan(105)
    expect(new Set(HOSTILE.map(({ name }) => name)).size).toBe(HOSTILE.length)
  })

  it.each(HOSTILE.map((each, index) => [each.name, each, index] as const))(
    '%s',
    (_, { file, inspect }, index) => {
      for (const command of ['inspect', 'pack'] as const) {
        const { code, message = '', seconds, peak = Infinity, left } = all.get(`${command} ${index}`) ?? {}
        const accepts = command === 'inspect' && inspect === 'accepts'
        expect(code, `${command}: ${message}`).toBe(accepts ? 0 : 2)
        if (!accepts)
          expect(message).toSatisfy((text: string) => names(file, text), `names ${String(file)}: ${message}`)
        expect(message.length, message).toBeLessThan(800)
        expect(message, command).not.toMatch(/\n|tokenizer\.bin/)
        expect(seconds, command).toBeLessThan(SECONDS)
        expect(peak / 1e6, command).toBeLessThan(MEGABYTES)
        expect(left, command).toEqual([])
      }
    },
  )

  it.each([
    'a GGUF file with a tensor over another',
    'tokenizer.json is a named pipe',
    'a template that doubles a text',
  ])('%s, by the command itself', (name) => {
    const given = makeCase(
      HOSTILE.findIndex((each) => each.name === name),
      join(home, 'itself'),
    )
    const out = mkdtempSync(join(home, 'out-'))
    for (const args of [
      ['inspect', given],
      ['pack', given, join(out, 'model')],
    ]) {
      const options = { encoding: 'utf8', timeout: SECONDS * 1000 } as const
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], options)
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^islet: [^\n]+\n$/)
      expect(readdirSync(out)).toEqual([])
    }
  })
})
