// The cut set of goldens is small and has every family. Where the full set is there, it is what the script cuts
// from it, byte for byte.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, describe, expect, it } from 'vitest'
import { FAMILIES, familyOfConfig } from '../../src/models/registry.ts'
import { CUT, familiesIn, GOLDEN, placeOfGolden } from '../helpers/golden.ts'
import { fileCases } from '../helpers/golden-run.ts'
import { FIXTURES } from '../tokenizer/support.ts'
import { cutFamily, familiesToCut } from './cut.ts'

const MAX_BYTES = 6_000_000
const TOKENIZERS = `${GOLDEN}/tokenizers/open`

describe('the cut set', () => {
  const families = familiesIn(CUT)

  it('has at most 6 MB', () => {
    const files = families.flatMap((family) => readdirSync(`${CUT}/${family}`).map((f) => `${family}/${f}`))
    const bytes = files.reduce((sum, file) => sum + readFileSync(`${CUT}/${file}`).length, 0)
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES)
  })

  it('has each family of the registry', () => {
    const configs = families.map((family) => readFileSync(`${CUT}/${family}/config.json`, 'utf8'))
    const there = new Set(
      configs.map((text) => familyOfConfig(new Map(Object.entries(JSON.parse(text) as object)))),
    )
    expect(FAMILIES.filter((family) => !there.has(family)).map(({ modelTypes }) => modelTypes)).toEqual([])
  })

  it.each(families)('%s has a short prompt, a long one and a decode', (family) => {
    const all = fileCases(`${CUT}/${family}`).cases.filter(({ file }) => file === 'model.safetensors')
    const lengths = all.map(({ golden }) => golden.input_ids.length)
    expect(Math.min(...lengths)).toBeLessThan(32)
    expect(Math.max(...lengths)).toBeGreaterThanOrEqual(100)
    expect(all.map(({ golden }) => golden.mode)).toContain('decode')
  })
})

describe.skipIf(!existsSync(`${GOLDEN}/open`))('equals the full set (skipped without it)', () => {
  it.each(existsSync(`${GOLDEN}/open`) ? familiesToCut(GOLDEN) : [])('%s', (family) => {
    const cut = cutFamily(`${GOLDEN}/open/${family}`, family)
    expect(readdirSync(`${CUT}/${family}`).sort()).toEqual([...cut.keys()].sort())
    for (const [name, bytes] of cut)
      expect([name, bytes.equals(readFileSync(`${CUT}/${family}/${name}`))]).toEqual([name, true])
  })
})

describe.skipIf(!existsSync(TOKENIZERS))('tokenizers equal the full set (skipped without it)', () => {
  // `real` is encodings by vocabulary files that are not included.
  const families = existsSync(TOKENIZERS) ? readdirSync(TOKENIZERS).filter((name) => name !== 'real') : []
  it.each(families)('%s', (family) => {
    const names = readdirSync(`${TOKENIZERS}/${family}`).filter((name) => !name.endsWith('.jinja'))
    for (const name of names) {
      const [full, ours] = [TOKENIZERS, FIXTURES].map((place) => readFileSync(`${place}/${family}/${name}`))
      expect([name, full.equals(ours)]).toEqual([name, true])
    }
  })
})

describe('where CI requires the full set', () => {
  const usual = mkdtempSync(`${tmpdir()}/islet-golden-`)
  mkdirSync(`${usual}/open`)
  afterAll(() => rmSync(usual, { recursive: true }))
  const required = { ISLET_REQUIRE_GOLDEN: '1' }

  it('it is an error to pass it over', () => {
    expect(() => placeOfGolden(usual, { ...required, ISLET_GOLDEN: '/nowhere' })).toThrow('uses the full set')
    expect(() => placeOfGolden(`${usual}/open`, required)).toThrow('uses the full set')
    expect(placeOfGolden(usual, required)).toBe(usual)
    expect(placeOfGolden(usual, { ...required, ISLET_GOLDEN: `${usual}/` })).toBe(`${usual}/`)
  })

  it('a clone without it uses the cut set', () => {
    expect(placeOfGolden('/nowhere', required)).toBe('/nowhere')
    expect(placeOfGolden(usual, { ISLET_GOLDEN: '/nowhere' })).toBe('/nowhere')
  })
})
