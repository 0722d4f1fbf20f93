// The tables of docs/inside-workers.md leave out nothing that the types of Workers AI have, and what they say is so.

import { generateText } from 'ai'
import { createWorkersAI } from 'workers-ai-provider'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { INTERNAL_CODES } from '../../src/api/dialects/workers-ai/errors.ts'
import { ABSENT, Binding } from '../../src/binding/binding.ts'
import { INPUTS, OPTIONS } from '../../report/lib/binding-tables.ts'
import { ROOT } from '../../tools/root.ts'

const TYPES = readFileSync(`${ROOT}node_modules/@cloudflare/workers-types/index.d.ts`, 'utf8')

/** The names that stand at the first level of a declaration. */
function membersOf(head: string): string[] {
  const from = TYPES.indexOf(head)
  expect(from, head).toBeGreaterThan(0)
  const body = TYPES.slice(from + head.length, TYPES.indexOf('\n}', from))
  return [...new Set([...body.matchAll(/^ {2}(\w+)\??[:(<]/gm)].map(([, name]) => name))]
}

test('each input and each option of the types has its row', () => {
  expect(membersOf('type AiTextGenerationInput = {').filter((name) => !(name in INPUTS))).toEqual([])
  expect(membersOf('type AiOptions = {').sort()).toEqual(Object.keys(OPTIONS).sort())
})

test('each method of Workers AI is there, or is told not to be', () => {
  const methods = membersOf('declare abstract class Ai<AiModelList extends AiModelListType = AiModels> {')
  const ours = Object.getOwnPropertyNames(Binding.prototype)
  const known: readonly string[] = [...ours, ...ABSENT, 'aiGatewayLogId']
  expect(methods).toContain('run')
  expect(methods.filter((name) => !known.includes(name))).toEqual([])
})

describe('workers-ai-provider', () => {
  const failing = (message: string): Promise<unknown> => {
    const binding = { run: () => Promise.reject(new Error(message)) } as unknown as Ai
    const model = createWorkersAI({ binding })('any')
    return generateText({ model, prompt: 'Hi', maxRetries: 0 }).catch((error: unknown) => error)
  }

  test.each(Object.keys(INTERNAL_CODES))('knows whether %s is tried again', async (code) => {
    const error = await failing(`${code}: says`)
    expect(error).toMatchObject({ isRetryable: ['3036', '3040'].includes(code), message: `${code}: says` })
  })
})
