// Packs what must be refused: the message is one short line, the fault is the user's, and nothing is left on disk.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { IsletError, isUserCode } from '../../src/lib/errors.ts'
import { openSource } from '../../src/packing/open-source.ts'
import { packToFolder } from '../../src/packing/pack-folder.ts'
import type { PackOptions } from '../../src/packing/pack.ts'
import { familyTensors, writeFamily, type Config } from './family-model.ts'
import type { FloatTensor } from './safetensors-builder.ts'

export type Edit = (tensors: FloatTensor[]) => FloatTensor[]

/** Places for the checkpoints of one test file, removed at its end. */
export class Places {
  #home = ''
  #count = 0

  constructor() {
    beforeAll(() => void (this.#home = mkdtempSync(join(tmpdir(), 'islet-bad-'))))
    afterAll(() => rmSync(this.#home, { recursive: true, force: true }))
  }

  /** A path where nothing is yet. */
  next(): string {
    return join(this.#home, String(this.#count++))
  }

  /** A new empty folder. */
  folder(): string {
    const path = this.next()
    mkdirSync(path)
    return path
  }

  /** A checkpoint of a config's family; `said` is what its config.json says instead. */
  checkpoint(config: Config, edit: Edit = (tensors) => tensors, said: Config = config): string {
    return writeFamily(this.next(), said, edit(familyTensors(config)))
  }

  /** Packs into an OUT that must not exist afterwards, nor anything beside it. */
  async expectRefused(input: string, message: RegExp, options: PackOptions = {}): Promise<void> {
    const parent = this.folder()
    const error = await packed(input, join(parent, 'out'), options)
    expect(error).toBeInstanceOf(IsletError)
    const refusal = error as IsletError
    expect(refusal.message).toMatch(message)
    expect(refusal.message.length).toBeLessThan(400)
    expect(isUserCode(refusal.code), `${refusal.code} exits with 2`).toBe(true)
    expect(readdirSync(parent), 'nothing is left').toEqual([])
  }
}

/** What opening or packing threw. */
async function packed(input: string, out: string, options: PackOptions): Promise<unknown> {
  try {
    const source = await openSource(input)
    try {
      await packToFolder(source, out, options)
    } finally {
      await source.close()
    }
  } catch (error) {
    return error
  }
  return undefined
}

/** One value of a tensor replaced. */
export const withValue =
  (name: string, at: number, value: number): Edit =>
  (tensors) => {
    const tensor = tensors.find((each) => each.name === name)
    if (tensor === undefined) throw new Error(`no tensor ${name}`)
    tensor.values[at] = value
    return tensors
  }
