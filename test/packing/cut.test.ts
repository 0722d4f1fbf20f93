// Stages that a packed model is cut into: the same weights as parts of the whole, in folders that load by themselves, whole or
// not at all.

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fileSource } from '../../cli/lib/file-source.ts'
import { nodeKernels } from '../../cli/lib/kernels.ts'
import { placePacked } from '../../cli/lib/place.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { planMemory } from '../../src/graph/memory-layout.ts'
import { fastestKernels } from '../../src/kernels/choose.ts'
import { takesWindow } from '../../src/models/spec.ts'
import { cutModel, sharesIn, stageFolder } from '../../src/packing/cut.ts'
import { leastOf } from '../../src/packing/cut-layers.ts'
import { packedFiles, parseManifest } from '../../src/packing/make-manifest.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import { planStages } from '../../src/packing/plan-stages.ts'
import type { PlanSettings } from '../../src/packing/stage-memory.ts'
import type { LayerRange } from '../../src/weights/layer-range.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { rangeOf } from '../../src/weights/range.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { placeFiles } from '../../tools/site.ts'
import { CONFIGS, writeFamily, type FamilyName } from '../helpers/family-model.ts'
import { TINY_FOLDER } from '../helpers/real-model.ts'

const home = mkdtempSync(join(tmpdir(), 'islet-cut-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const SMALL: PlanSettings = { window: { window: 16, sinks: 4 }, chunk: 4, logitRows: 4 }

const read = (folder: string): Manifest => parseManifest(readFileSync(join(folder, 'manifest.json'), 'utf8'))
const tiny = (): string => {
  const folder = mkdtempSync(join(home, 'tiny-'))
  for (const name of ['manifest.json', 'tokenizer.bin', 'weights-000.bin'])
    copyFileSync(join(TINY_FOLDER, name), join(folder, name))
  return folder
}

/** The family's model in a folder, with a table that is the most of it. */
async function packedFamily(name: FamilyName): Promise<string> {
  const folder = mkdtempSync(join(home, `${name}-`))
  const source = await openSource(
    writeFamily(join(folder, 'checkpoint'), { ...CONFIGS[name], vocab_size: 1000 }),
  )
  await packToFolder(source, join(folder, 'packed'), { quant: 'q4', rounding: 'nearest' })
  await source.close()
  return join(folder, 'packed')
}

/** The least that an isolate may hold for the model to be cut at all: as many stages as there can be. */
function narrowest(manifest: Manifest): PlanSettings {
  const settings = takesWindow(manifest.spec)
    ? SMALL
    : { ...SMALL, window: { window: undefined, sinks: 0 }, maxPositions: 16 }
  const holds = (isolateBytes: number): boolean => {
    try {
      return planStages(manifest, 'auto', { ...settings, isolateBytes }).length > 0
    } catch {
      return false
    }
  }
  return { ...settings, isolateBytes: leastOf(13e6, holds) }
}

/** What a load puts into memory for weights. */
async function loaded(
  folder: string,
  { maxPositions }: PlanSettings,
  given?: LayerRange,
): Promise<Uint8Array> {
  const manifest = read(folder)
  const { spec, stage: cut } = manifest
  const memories: WebAssembly.Memory[] = []
  const window = takesWindow(spec) ? SMALL.window : { window: undefined, sinks: 0 }
  const options = { window, chunk: 4, logitRows: 4, ...(maxPositions && { maxPositions }) }
  const kernels = (memory: WebAssembly.Memory) => {
    memories.push(memory)
    return fastestKernels(nodeKernels(), memory)
  }
  const range = cut === undefined ? given : undefined
  const stage = await loadModel(manifest, fileSource(folder), {
    ...options,
    ...(range && { range }),
    kernels,
  })
  stage.release()
  const bytes = weightBytes(cut === undefined ? rangeOf(manifest, stage.range) : manifest)
  const { weights } = planMemory(spec, bytes, { ...options, range: stage.range })
  return new Uint8Array(memories[0].buffer, weights, bytes)
}

describe.each(['tiny', 'mistral', 'baichuan7b', 'baichuan13b', 'chatglm1', 'gemma3'] as const)(
  '%s',
  (name) => {
    it('is cut into stages that load as the same parts of the whole do', async () => {
      const folder = name === 'tiny' ? tiny() : await packedFamily(name)
      const whole = read(folder)
      const settings = narrowest(whole)
      for (const stages of ['auto', whole.spec.layers + 1] as const) {
        const shares = await cutModel(
          folder,
          stages,
          stages === 'auto' ? settings : { ...settings, isolateBytes: 20e6 },
        )
        const tables = shares.filter(({ range }) => range.rows !== undefined)
        if (name !== 'tiny' && stages === 'auto') expect(tables.length).toBeGreaterThan(0)
        expect(readdirSync(join(folder, 'stages')).sort()).toEqual(shares.map((_, i) => String(i)))
        for (const [index, { range, weightBytes: bytes }] of shares.entries()) {
          const stage = stageFolder(folder, index)
          const manifest = read(stage)
          const { tensors, shards, stage: cut, ...same } = manifest
          expect(same).toEqual({ ...whole, tensors: undefined, shards: undefined, prefix: undefined })
          expect(cut).toEqual({
            index,
            shares: shares.map(({ range, weightBytes }) => ({ range, weightBytes })),
          })
          expect(tensors).toEqual(rangeOf(whole, range).tensors)
          expect(weightBytes({ shards })).toBe(bytes)
          const files = packedFiles(manifest).map(({ file }) => file)
          expect(files.includes('tokenizer.bin')).toBe(index === 0)
          expect(readdirSync(stage).sort()).toEqual(['manifest.json', ...files].sort())
          const [own, part] = [await loaded(stage, settings), await loaded(folder, settings, range)]
          expect(own.length).toBe(bytes)
          expect(Buffer.compare(own, part), `stage ${index}`).toBe(0)
        }
      }
    })
  },
)

/** Every file below a folder with its bytes. */
function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return new Map(
    files
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name)
        return [path.slice(folder.length), readFileSync(path, 'latin1')] as const
      })
      .sort(),
  )
}

describe('a folder with stages', () => {
  it('is cut to the same bytes each time, and anew in the place of another cut', async () => {
    const folder = tiny()
    const plain = contents(folder)
    await cutModel(folder, 3, SMALL)
    const first = contents(folder)
    expect((await sharesIn(folder))!.map(({ range: { to } }) => to)).toEqual([0, 2, 4])
    await cutModel(folder, 2, SMALL)
    expect(readdirSync(join(folder, 'stages'))).toEqual(['0', '1'])
    await cutModel(folder, 3, SMALL)
    expect(contents(folder)).toEqual(first)
    // One isolate holds it: there is nothing to cut.
    await cutModel(folder, 'auto', SMALL)
    expect(await sharesIn(folder)).toBe(undefined)
    expect(contents(folder)).toEqual(plain)
  })

  it('keeps what it had where the cut fails', async () => {
    const folder = tiny()
    await cutModel(folder, 3, SMALL)
    const before = contents(join(folder, 'stages'))
    await expect(cutModel(folder, 9, SMALL)).rejects.toThrow('--stages 9')
    const weights = readFileSync(join(folder, 'weights-000.bin'))
    rmSync(join(folder, 'weights-000.bin'))
    await expect(cutModel(folder, 2, SMALL)).rejects.toMatchObject({ code: 'model_not_found' })
    writeFileSync(join(folder, 'weights-000.bin'), weights.fill(7, 1e6, 1e6 + 1))
    await expect(cutModel(folder, 2, SMALL)).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect(readdirSync(folder).sort()).toEqual([
      'manifest.json',
      'stages',
      'tokenizer.bin',
      'weights-000.bin',
    ])
    expect(contents(join(folder, 'stages'))).toEqual(before)
  })

  it('is no stage, and no folder without a model', async () => {
    const folder = tiny()
    await cutModel(folder, 2, SMALL)
    await expect(cutModel(stageFolder(folder, 1), 2, SMALL)).rejects.toThrow('is a stage of a model')
    await expect(cutModel(join(folder, 'stages'), 2, SMALL)).rejects.toMatchObject({
      code: 'model_not_found',
    })
  })

  it('is placed without its stages', async () => {
    const folder = tiny()
    const plain = contents(folder)
    await cutModel(folder, 2, SMALL)
    const site = mkdtempSync(join(home, 'site-'))
    placeFiles(folder, site)
    const assets = mkdtempSync(join(home, 'assets-'))
    await placePacked(folder, assets)
    for (const place of [site, assets]) expect(contents(join(place, 'models/tiny'))).toEqual(plain)
  })

  it('is packed again as any other, which leaves no stages', async () => {
    const folder = await packedFamily('mistral')
    const source = await openSource(join(folder, '../checkpoint'))
    await cutModel(folder, 2, SMALL)
    // As a killed process leaves it.
    mkdirSync(join(folder, '.stages.99999999.packing'))
    await packToFolder(source, folder, { quant: 'f32' })
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'tokenizer.bin', 'weights-000.bin'])
    await cutModel(folder, 2, SMALL)
    writeFileSync(join(folder, 'stages/1/notes.txt'), 'somebody wrote here')
    await expect(packToFolder(source, folder)).rejects.toThrow('is no packed model')
    await source.close()
  })

  it('of another pack counts for nothing', async () => {
    const folder = tiny()
    await cutModel(folder, 2, SMALL)
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...read(folder), hash: 'another' }))
    expect(await sharesIn(folder)).toBe(undefined)
  })
})
