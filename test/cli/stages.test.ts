// Stages on the command line: cutting while packing and afterwards, what is said of them, and when commands that serve cut a model.

import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { experimental_readRawConfig } from 'wrangler'
import { command as inspect } from '../../cli/inspect.ts'
import { openModel } from '../../cli/lib/model.ts'
import { servedInStages, stageSettings } from '../../cli/lib/stages.ts'
import { sharesIn, stageFolder } from '../../src/packing/cut.ts'
import type { Manifest } from '../../src/weights/manifest.ts'
import { ROOT } from '../../tools/root.ts'
import { llamaMetadata, llamaTensors, TINY, writeGguf } from '../helpers/gguf-builder.ts'
import { GEMMA_FOLDER, missingGemma, TINY_FOLDER } from '../helpers/real-model.ts'

const home = mkdtempSync(join(tmpdir(), 'islet-stages-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function pack(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(ROOT, 'cli/main.ts'), 'pack', ...args], { encoding: 'utf8' })
}

async function inspected(model: string): Promise<string> {
  let text = ''
  await inspect.run([model], (part) => void (text += part))
  return text
}

function tiny(): string {
  const folder = mkdtempSync(join(home, 'tiny-'))
  for (const name of ['manifest.json', 'tokenizer.bin', 'weights-000.bin'])
    copyFileSync(join(TINY_FOLDER, name), join(folder, name))
  return folder
}

describe('islet pack --stages', () => {
  it('cuts a packed model, and says what each stage holds', async () => {
    const folder = tiny()
    const { status, stdout } = pack(folder, '--stages', '3')
    expect([status, stdout.replace(/ +/g, ' ').trim().split('\n')]).toEqual([
      0,
      [
        `tiny in 3 stages, ${join(folder, 'stages')}`,
        'stage holds weights, MB isolate, MB',
        '0, the hub the table 0.4 11.7',
        '1 layers 0 to 1 0.4 12.0',
        '2 layers 2 to 3 0.4 12.0',
      ],
    ])
    expect(await inspected(folder)).toMatch(/Cut into 3 stages\n.*\n +0, the hub +the table +0\.4\n/)
    const stage = await inspected(stageFolder(folder, 2))
    expect(stage).toContain('Stage 2 of these 3')
    expect(stage).not.toContain('Memory of one isolate')
    await expect(openModel(stageFolder(folder, 0), {})).rejects.toThrow('is a stage of a model')
  })

  it('cuts what it has packed', async () => {
    const tensors = llamaTensors(TINY, 'Q8_0', (bytes) => new Uint8Array(bytes).fill(3))
    const gguf = writeGguf(join(home, 'small.gguf'), { metadata: llamaMetadata(TINY), tensors })
    const out = join(home, 'packed')
    const { status, stdout } = pack(gguf, out, '--stages', '2', '--window', '0', '--chunk', '8')
    expect([status, stdout]).toEqual([0, expect.stringContaining('small in 2 stages')])
    expect(await sharesIn(out)).toHaveLength(2)
    // The pack in its place has none of its own.
    expect(pack(gguf, out).status).toBe(0)
    expect(readdirSync(out)).not.toContain('stages')
    expect(pack(gguf, '--stages', '2').stderr).toContain('is not packed: give OUT too')
  })

  it('leaves one isolate what it holds', async () => {
    const folder = tiny()
    pack(folder, '--stages', '2')
    expect(pack(folder, '--stages', 'auto').stdout).toBe('tiny: one isolate holds it, no stages are needed\n')
    expect(readdirSync(folder)).not.toContain('stages')
    expect(await inspected(folder)).not.toContain('stages')
  })

  it.each([
    [['--stages', '0'], '--stages 0: a chain has at least 2 scripts'],
    [['--stages', 'many'], '--stages many: give a number of scripts, or auto'],
    [['--stages', '2', '--quant', 'q4'], '--quant is for packing'],
    [['--stages', '2', '--chunk', '6'], '--chunk 6 is not a multiple of 4'],
    [['--window', '64'], '--window and --chunk need --stages'],
  ])('%j is a mistake', (args, says) => {
    const { status, stderr } = pack(TINY_FOLDER, ...args)
    expect([status, stderr]).toEqual([2, expect.stringContaining(says)])
    expect(existsSync(join(TINY_FOLDER, 'stages'))).toBe(false)
  })
})

describe('a model that is served', () => {
  it('stays whole where one isolate holds it, and as it was cut otherwise', async () => {
    const folder = tiny()
    expect(await servedInStages(folder, undefined)).toBe(false)
    // A window that is too large is a lane's to halve.
    expect(await servedInStages(folder, undefined, { window: '4000000' })).toBe(false)
    expect(await servedInStages(folder, 3)).toBe(true)
    const cutAt = () => statSync(stageFolder(folder, 0)).ino
    const first = cutAt()
    expect(await servedInStages(folder, 3)).toBe(true)
    expect(await servedInStages(folder, undefined)).toBe(true)
    expect(cutAt()).toBe(first)
    expect(await servedInStages(folder, 2)).toBe(true)
    expect(await sharesIn(folder)).toHaveLength(2)
    expect(await servedInStages(folder, 'auto')).toBe(false)
    expect(await servedInStages(folder, undefined)).toBe(false)
  })

  const skip = missingGemma([`${GEMMA_FOLDER}/manifest.json`])
  it.skipIf(skip !== undefined)(
    `is cut where no isolate holds it${skip === undefined ? '' : ` (${skip})`}`,
    async () => {
      const folder = mkdtempSync(join(home, 'gemma-'))
      for (const name of readdirSync(GEMMA_FOLDER))
        if (statSync(join(GEMMA_FOLDER, name)).isFile())
          symlinkSync(join(GEMMA_FOLDER, name), join(folder, name))
      expect(await servedInStages(folder, undefined)).toBe(true)
      expect(await sharesIn(folder)).toMatchObject([
        { range: { from: 0, to: 18, embedding: false, head: false } },
        { range: { embedding: true, head: true, rows: { first: 0 } } },
        { range: { embedding: true, head: true, rows: { end: 262144 } } },
      ])
      rmSync(folder, { recursive: true })
    },
  )

  it('is planned as wrangler.toml has it', () => {
    const { spec } = JSON.parse(readFileSync(join(TINY_FOLDER, 'manifest.json'), 'utf8')) as Manifest
    const { rawConfig } = experimental_readRawConfig({ config: join(ROOT, 'wrangler.toml') })
    const { WINDOW, SINKS, CHUNK } = rawConfig.vars as Record<string, string>
    expect(stageSettings(spec)).toMatchObject({
      window: { window: Number(WINDOW), sinks: Number(SINKS) },
      chunk: Number(CHUNK),
    })
  })
})
