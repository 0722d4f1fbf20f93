// Planning without weights: what `inspect` says of a config alone, and that a chain of isolates holds the whole model.

import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { command as inspect } from '../../cli/inspect.ts'
import { planConfig } from '../../cli/lib/config-plan.ts'
import { chainOf } from '../../cli/lib/isolates.ts'
import { BUDGET, JS_ALLOWANCE, planWindow } from '../../cli/lib/memory-table.ts'
import { groupedTable } from '../../cli/lib/tensor-table.ts'
import { ROOT } from '../../tools/root.ts'
import { factsOf } from '../../src/models/facts.ts'

const CONFIGS = globSync('docs/families/*.json', { cwd: ROOT }).sort()

async function printed(...args: string[]): Promise<string> {
  let text = ''
  await inspect.run(args, (part) => void (text += part))
  return text
}

describe.each(CONFIGS)('%s', (path) => {
  const { spec, tensors } = planConfig(
    factsOf(JSON.parse(readFileSync(`${ROOT}${path}`, 'utf8')) as object),
    'q4',
  )
  const settings = { ...planWindow(spec, { window: 1024, sinks: 4 }), chunk: 16, weightBytes: 0 }
  const chain = chainOf(spec, tensors, settings)!

  it('is held whole, by isolates within the budget', () => {
    const sum = (each: (holds: string) => number): number =>
      chain.groups.reduce((total, { holds, count }) => total + count * each(holds), 0)
    const found = (pattern: RegExp) => (holds: string) => Number(pattern.exec(holds)?.[1] ?? 0)
    const named = (part: string) => (holds: string) => Number(holds.split(', ').includes(part))
    const table = spec.head.tied ? 'embedding and head' : 'embedding'
    expect(
      sum(found(new RegExp(`(\\d+) rows of the ${table}`))) + spec.vocab * sum(named(`the ${table}`)),
    ).toBe(spec.vocab)
    if (!spec.head.tied)
      expect(sum(found(/(\d+) rows of the head/)) + spec.vocab * sum(named('the head'))).toBe(spec.vocab)
    const whole = sum(found(/(\d+) layers/)) + sum(named('a layer'))
    for (const half of ["layer's attention", "layer's MLP"]) {
      const parts = sum((holds) => {
        const [, of] = new RegExp(`(?:1/(\\d+) of )?a ${half}`).exec(holds) ?? [undefined, '0']
        return of === '0' ? 0 : 1 / Number(of ?? 1)
      })
      expect(whole + parts).toBeCloseTo(spec.layers)
    }
    for (const group of chain.groups) {
      expect(group.total).toBeLessThanOrEqual(BUDGET)
      expect(group.total).toBe(group.weights + group.pool + group.step + group.js)
      expect(group.js).toBeGreaterThanOrEqual(JS_ALLOWANCE)
    }
    expect(sum(() => 1)).toBe(chain.count)
  })

  it('has a table in which every tensor is counted', () => {
    const counts = groupedTable(tensors)
      .split('\n')
      .slice(1)
      .map((line) => Number(/(\d+) +\d+ +[\d.]+$/.exec(line)![1]))
    expect(counts.reduce((a, b) => a + b)).toBe(tensors.length)
  })
})

it('counts by hand what LLaMA 7B takes', async () => {
  const text = await printed(`${ROOT}docs/families/llama-7b.json`, '--embedding', 'q6')
  // A layer is 114.1 MB of 4.5-bit weights: attention 4 x 4096^2, MLP 3 x 4096 x 11008. Two isolates for each of 32,
  // and the tables of 106.6 MB each: all but the last rows of one in an isolate, the others beside halves of layers.
  expect(text).toContain('isolates: 66')
  expect(text).toMatch(/ 31 +a layer's MLP +76\.2 +0\.0 /)
  // 68 pages x 16 positions x 32 heads x (2 x 128 + 8) bytes.
  expect(text).toMatch(/ 31 +a layer's attention +37\.8 +9\.2 /)
  expect(text).toContain('layers.0-31.down')
  expect(text).not.toContain('layers.7.down')
  expect(text).toMatch(/4 GiB, as in Node +4161\.5 MB: fits/)
  expect(await printed(`${ROOT}docs/families/llama-7b.json`, '--embedding', 'q8')).toMatch(
    /4 GiB, as in Node +\d+\.\d MB: fits/,
  )
  expect(await printed(`${ROOT}docs/families/llama-7b.json`, '--quant', 'q8')).toMatch(
    /4 GiB, as in Node +7462\.3 MB: does not fit/,
  )
  expect(await printed(`${ROOT}docs/families/llama-7b.json`, '--tensors')).toContain('layers.7.down')
})

it('holds SmolLM2 in one isolate, and says what KV it plans', async () => {
  expect(await printed(`${ROOT}docs/families/smollm2-135m.json`)).toMatch(
    / 1 +the embedding and head, 30 layers .*\nisolates: 1\n/,
  )
  expect(await printed(`${ROOT}docs/families/qwen3-0.6b.json`)).toContain('KV pool, f32: 68 pages')
})

it('plans a family that takes no window for a text of so many positions', async () => {
  const path = `${ROOT}docs/families/chatglm-6b.json`
  expect(await printed(path)).toContain('no window, a text of at most 1024 positions')
  expect(await printed(path, '--window', '256')).toContain('one step: 256 rows')
  // The stream alone, three times 2048 rows of 4096, is more than an isolate.
  expect(await printed(path, '--window', '2048')).toContain('isolates: none would do')
})
