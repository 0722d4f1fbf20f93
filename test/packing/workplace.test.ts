// An interrupted pack leaves nothing behind, and OUT as it was; what a killed one leaves is no model, and the next removes it.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { inWorkplace } from '../../src/packing/workplace.ts'
import { CONFIGS, writeFamily } from '../helpers/family-model.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'islet-workplace-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Large enough to be caught at it, at some seconds of searching. */
const large = writeFamily(join(home, 'large'), { ...CONFIGS.mistral, hidden_size: 320, vocab_size: 20_000 })
const small = writeFamily(join(home, 'small'), CONFIGS.mistral)

let parent = ''
beforeEach(() => void (parent = mkdtempSync(join(home, 'out-'))))

/** Packs in a process of its own, which gets the signal while it writes; the signal or code that ended it. */
async function interrupted(signal: NodeJS.Signals, out: string): Promise<NodeJS.Signals | number | null> {
  const child = spawn(process.execPath, [MAIN, 'pack', large, out, '--quant', 'q4'], { stdio: 'ignore' })
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.on('exit', (code, by) => resolve(by ?? code)),
  )
  const writes = (): boolean => {
    if (!existsSync(dirname(out))) return false
    const place = readdirSync(dirname(out)).find((name) => name.endsWith('.packing'))
    return place !== undefined && readdirSync(join(dirname(out), place)).length > 0
  }
  while (!writes()) {
    if (child.exitCode !== null) throw new Error('packing ended before it was seen to write')
    await sleep(5)
  }
  child.kill(signal)
  return ended
}

describe('a pack that is interrupted', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s leaves nothing', async (signal) => {
    expect(await interrupted(signal, join(parent, 'model'))).toBe(signal)
    expect(readdirSync(parent)).toEqual([])
  })

  it('leaves a model that was there', async () => {
    const out = join(parent, 'model')
    expect(spawnSync(process.execPath, [MAIN, 'pack', small, out]).status).toBe(0)
    const before = readFileSync(join(out, 'manifest.json'))
    await interrupted('SIGTERM', out)
    expect(readdirSync(parent)).toEqual(['model'])
    expect(readFileSync(join(out, 'manifest.json'))).toEqual(before)
  })

  it('by SIGKILL leaves what no command takes for a model, and the next one removes', async () => {
    const out = join(parent, 'model')
    expect(await interrupted('SIGKILL', out)).toBe('SIGKILL')
    const [left, ...others] = readdirSync(parent)
    expect([left.startsWith('.model.'), others]).toEqual([true, []])
    const inspect = spawnSync(process.execPath, [MAIN, 'inspect', join(parent, left)], { encoding: 'utf8' })
    expect(inspect.status).toBe(2)
    expect(spawnSync(process.execPath, [MAIN, 'pack', small, out]).status).toBe(0)
    expect(readdirSync(parent)).toEqual(['model'])
  })
})

describe('a workplace', () => {
  /** No process has it: larger than any system allows. */
  const DEAD = 2 ** 22 + 1

  it('takes the place of what was there, and is not seen before', async () => {
    const target = join(parent, 'model')
    mkdirSync(target)
    writeFileSync(join(target, 'old'), '')
    await inWorkplace(target, (folder) => {
      writeFileSync(join(folder, 'new'), '')
      expect(readdirSync(target)).toEqual(['old'])
      return Promise.resolve()
    })
    expect([readdirSync(parent), readdirSync(target)]).toEqual([['model'], ['new']])
  })

  it('goes when the work fails, with the folders that were made for it', async () => {
    const failing = inWorkplace(join(parent, 'a', 'b', 'model'), () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(readdirSync(parent)).toEqual([])
  })

  it('listens to signals only while it is there', async () => {
    const count = process.listenerCount('SIGTERM')
    await inWorkplace(join(parent, 'model'), () => {
      expect(process.listenerCount('SIGTERM')).toBe(count + 1)
      return Promise.resolve()
    })
    expect(process.listenerCount('SIGTERM')).toBe(count)
  })

  it('removes those of the dead, puts back what they had taken away, and leaves those of the living', async () => {
    for (const name of [
      `.a.${DEAD}.packing`,
      `.a.${DEAD}.replaced`,
      `.b.${DEAD}.replaced`,
      `.c.${process.ppid}.packing`,
      '.cache',
      'b',
    ])
      mkdirSync(join(parent, name))
    await inWorkplace(join(parent, 'model'), () => Promise.resolve())
    expect(readdirSync(parent).toSorted()).toEqual(
      ['.cache', `.c.${process.ppid}.packing`, 'a', 'b', 'model'].toSorted(),
    )
  })

  it('is refused under a file', async () => {
    writeFileSync(join(parent, 'file'), '')
    const failing = inWorkplace(join(parent, 'file', 'model'), () => Promise.resolve())
    await expect(failing).rejects.toMatchObject({ code: 'invalid_request', param: 'OUT' })
  })
})
