// docs/families.md lists every family that there is, its results, and nothing that the registry does not know.

import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dialogueBlocks, positionBytes } from '../../report/lib/dialogue-tables.ts'
import { LISTED, listedModel } from '../../report/lib/families.ts'
import { familyBlocks } from '../../report/lib/family-tables.ts'
import { ROOT } from '../../tools/root.ts'
import { FAMILIES } from '../../src/models/registry.ts'

const SETTINGS = { window: 1024, sinks: 4, chunk: 16 }
const block = (file: string, name: string): string => new Map(familyBlocks(file, SETTINGS)).get(name) ?? ''

describe('families.md', () => {
  it('lists a real size of each family of the registry', () => {
    const families = new Set(LISTED.map(({ config }) => `${listedModel(config).spec.family}.ts`))
    const files = globSync('src/models/*.ts', { cwd: ROOT }).map((path) => basename(path))
    expect(families.size).toBe(FAMILIES.length)
    expect([...families].filter((file) => !files.includes(file))).toEqual([])
  })

  it('has a result for each, and marks those that were not run', () => {
    const here = block(`${ROOT}docs/results/families.json`, 'families-checked')
    expect(here.split('\n')).toHaveLength(LISTED.length + 2)
    expect(here).not.toContain('not run')
    expect(block('/nowhere', 'families-checked').match(/not run/g)).toHaveLength(3 * LISTED.length)
  })

  it('says of a spec what it says', () => {
    const apart = block('/nowhere', 'families-apart')
    expect(apart).toMatch(/\| Baichuan2-13B \|.* ALiBi up to 8 \|.*normalised head/)
    expect(apart).toMatch(/\| ChatGLM-6B \|.*LayerNorm with bias; MLP without a gate.*both ways/)
    expect(apart).toMatch(/\| Qwen 3, dense \|.*16 heads on 8, of 128.*QK norm/)
  })
})

describe('dialogue.md', () => {
  it('counts KV by the published sizes', () => {
    // 2 x 28 layers x 32 heads x 128 values of 2 bytes, and 2 groups instead.
    expect(positionBytes(listedModel('chatglm-6b').spec, 16)).toBe(458752)
    expect(positionBytes(listedModel('chatglm2-6b').spec, 16)).toBe(28672)
    const text = new Map(dialogueBlocks()).get('kv-eight') ?? ''
    expect(text).toContain('a factor of 16 at equal bits')
    // INT4: 28 layers of 12 x 4096^2 weights at half a byte, and a table of 130528 x 4096 at two.
    expect(text).toContain('3.89 GB')
  })
})
