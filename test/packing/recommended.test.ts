// What a checkpoint's files recommend for sampling reaches the manifest, and what cannot be sent by a request does not.

import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { declare } from '../../cli/lib/pull.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import { recommendedInConfig, recommendedInGguf } from '../../src/packing/recommended.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { CONFIGS, writeFamily } from '../helpers/family-model.ts'
import { llamaMetadata, llamaTensors, TINY, writeGguf } from '../helpers/gguf-builder.ts'

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'islet-recommended-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const manifestOf = (out: string): Manifest =>
  JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as Manifest

async function packed(input: string, name: string): Promise<string> {
  const source = await openSource(input)
  const out = join(folder, name)
  await packToFolder(source, out).finally(() => source.close())
  return out
}

/** Zeros of any type are valid blocks. */
const zeros = (bytes: number): Uint8Array => new Uint8Array(bytes)

const gguf = (name: string, more: ReturnType<typeof llamaMetadata> = {}): string =>
  writeGguf(join(folder, name), {
    metadata: { ...llamaMetadata(TINY), ...more },
    tensors: llamaTensors(TINY, 'Q8_0', zeros),
  })

describe('GGUF', () => {
  it('has general.sampling keys, whose 32-bit numbers are read as they were meant', async () => {
    const path = gguf('with.gguf', {
      'general.sampling.temp': { f32: 0.6 },
      'general.sampling.top_p': { f32: 0.95 },
      'general.sampling.top_k': { u32: 20 },
      'general.sampling.penalty_repeat': { f32: 1.05 },
    })
    expect(manifestOf(await packed(path, 'with')).sampling).toEqual({
      temperature: 0.6,
      top_p: 0.95,
      top_k: 20,
      repetition_penalty: 1.05,
    })
  })

  it('has none otherwise', async () => {
    expect(manifestOf(await packed(gguf('without.gguf'), 'without'))).not.toHaveProperty('sampling')
  })

  it('of values out of range nothing is taken, nor of Mirostat', () => {
    const keys = { temp: 3, top_p: 'a', min_p: -1, penalty_last_n: 64, mirostat: 2, top_k: NaN }
    const metadata = new Map(Object.entries(keys).map(([key, value]) => [`general.sampling.${key}`, value]))
    expect(recommendedInGguf(metadata as Map<string, unknown>)).toEqual({ repeat_last_n: 64 })
  })
})

describe('generation_config.json', () => {
  it('is taken over', async () => {
    const input = writeFamily(join(folder, 'hf'), CONFIGS.qwen2)
    const generation = {
      do_sample: true,
      temperature: 0.7,
      top_p: 0.8,
      top_k: 20,
      repetition_penalty: 1.1,
      eos_token_id: 1,
    }
    writeFileSync(join(input, 'generation_config.json'), JSON.stringify(generation))
    expect(manifestOf(await packed(input, 'from-hf')).sampling).toEqual({
      temperature: 0.7,
      top_p: 0.8,
      top_k: 20,
      repetition_penalty: 1.1,
    })
  })

  it('that does not sample has a penalty at most', () => {
    const values = { do_sample: false, temperature: 0.7, top_p: 0.8 }
    expect(recommendedInConfig(values)).toBeUndefined()
    expect(recommendedInConfig({ ...values, repetition_penalty: 1.2 })).toEqual({ repetition_penalty: 1.2 })
    expect(recommendedInConfig(undefined)).toBeUndefined()
  })
})

describe('a model that is known by name', () => {
  it('has what was measured, without being packed again, and folders that share its file keep theirs', async () => {
    const out = await packed(gguf('known.gguf'), 'known')
    const before = manifestOf(out)
    linkSync(join(out, 'manifest.json'), join(folder, 'linked.json'))
    await declare(out, { sampling: { temperature: 0.3 } })
    expect(manifestOf(out)).toEqual({ ...before, sampling: { temperature: 0.3 } })
    expect(JSON.parse(readFileSync(join(folder, 'linked.json'), 'utf8'))).toEqual(before)
    await declare(out, { sampling: { temperature: 0.4, top_p: 0.9 } })
    expect(manifestOf(out).sampling).toEqual({ temperature: 0.4, top_p: 0.9 })
  })
})
