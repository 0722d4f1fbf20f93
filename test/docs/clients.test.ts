// The pages on clients show each program as it is run, and what a run of real clients came to.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkAnswers, CHECKS } from '../../clients/answers.ts'
import { CLIENTS } from '../../clients/list.ts'
import { COOKBOOK } from '../../clients/programs.ts'
import { RESULTS_FILE, type ClientResults } from '../../clients/result.ts'
import { ROOT } from '../../tools/root.ts'
import { clientBlocks } from '../../report/lib/client-tables.ts'

const results: ClientResults = {
  model: 'tiny',
  clients: [
    {
      id: 'openai-node',
      packages: ['openai@1.0.0'],
      program: { ok: true },
      scenarios: [
        { kind: 'object', name: 'parse', ok: true },
        { kind: 'object', name: 'a | b', ok: false, miss: 'no schema', error: 'TypeError' },
        { kind: 'object', name: 'c', ok: false, miss: 'no schema', error: 'TypeError' },
        { kind: 'forced', name: 'named', ok: false, error: 'TypeError' },
      ],
    },
  ],
}

test('what works is counted, and what does not is listed with its reason', () => {
  const folder = mkdtempSync(join(tmpdir(), 'islet-clients-'))
  try {
    const file = join(folder, 'clients.json')
    expect(new Map(clientBlocks(file)).get('clients')).toContain('Not run')
    writeFileSync(file, JSON.stringify(results))
    const blocks = new Map(clientBlocks(file))
    expect(blocks.get('clients')).toContain('1 of 4 scenarios of 1 clients work')
    expect(blocks.get('clients')).toContain('| openai for Node (`openai@1.0.0`) |  | 1 of 3 | 0 of 1 |')
    expect(blocks.get('client-misses')).toContain('| openai for Node | no schema | a \\| b; c |')
    expect(blocks.get('client-misses')).toContain('| openai for Node | not explained: TypeError | named |')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the cookbook has each program, whole', () => {
  const page = readFileSync(`${ROOT}docs/cookbook.md`, 'utf8')
  const programs = CLIENTS.flatMap(({ title, programs = [] }) => programs.map((each) => ({ title, ...each })))
  expect(programs.map(({ file }) => file).sort()).toEqual(readdirSync(COOKBOOK).sort())
  for (const { title, file } of programs) {
    expect(page).toContain(`## ${title}\n`)
    expect(page).toContain(readFileSync(`${COOKBOOK}/${file}`, 'utf8').trimEnd())
  }
})

test('the committed run is of the pinned clients, each program ran, and every miss has its reason', () => {
  const { clients } = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as ClientResults
  expect(clients.map(({ id, packages }) => ({ id, packages }))).toEqual(
    CLIENTS.map(({ id, packages }) => ({ id, packages })),
  )
  for (const { id, program, scenarios } of clients) {
    expect(program?.ok, id).not.toBe(false)
    expect(scenarios.length, id).toBeGreaterThan(0)
    expect(scenarios.filter(({ ok, miss }) => !ok && miss === undefined)).toEqual([])
  }
})

test('what a program of the cookbook prints is checked', () => {
  const ticket = { team: 'sales', urgent: true, summary: 'late' }
  const ticketAnd = (value: unknown) => `${JSON.stringify(ticket)}\n${JSON.stringify(value)}\n`
  checkAnswers(JSON.stringify(ticket, undefined, 2))
  checkAnswers(ticketAnd({ hour: 7, minute: 30 }))
  checkAnswers(ticketAnd({ type: 'choice', choice: 'billing' }))
  for (const bad of [{ hour: 24, minute: 0 }, { hour: 7 }, { type: 'choice', choice: 'sales' }, null])
    expect(() => checkAnswers(ticketAnd(bad))).toThrow('no ticket, alarm or decision')
  expect(() => checkAnswers('')).toThrow()
  for (const bad of [
    { ...ticket, team: 'us' },
    { ...ticket, more: 1 },
    { ...ticket, summary: 'x'.repeat(61) },
  ])
    expect(() => checkAnswers(JSON.stringify(bad))).toThrow('no ticket')
})

test('what the other programs print is checked', () => {
  const lines = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('')
  const said = (...roles: string[]) => lines(...roles.map((role) => ({ role, text: 'Ada' })))
  CHECKS.conversation(said('user', 'assistant', 'user', 'assistant'))
  for (const roles of [
    ['user', 'assistant'],
    ['user', 'user', 'user', 'assistant'],
  ])
    expect(() => CHECKS.conversation(said(...roles))).toThrow('no conversation')
  const sums = { ' rises': -3, ' barks': -9, ' melts': -7 }
  CHECKS.scores(lines(['red', 'blue', 'red'], sums))
  expect(() => CHECKS.scores(lines(['red', 'blue'], sums))).toThrow('no three texts')
  expect(() => CHECKS.scores(lines(['a', 'b', 'c'], { ...sums, ' melts': null }))).toThrow('no scores')
  expect(() => CHECKS.scores(lines(['a', 'b', 'c'], { ...sums, ' melts': -1 }))).toThrow('does not rise')
  const likeness = (...values: number[]) => lines(...values.map((value) => ({ text: 'a', likeness: value })))
  CHECKS.likeness(likeness(0.9, 0.4))
  expect(() => CHECKS.likeness(likeness(0.4, 0.9))).toThrow('more alike')
  expect(() => CHECKS.likeness(likeness(1.2, 0.4))).toThrow('no likeness')
})
