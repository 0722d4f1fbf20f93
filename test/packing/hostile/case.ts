// What a hostile checkpoint is, and the parts that all kinds of them are made of.

import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIGS, familyTensors, writeFamily, type Config } from '../../helpers/family-model.ts'

export type HostileCase = {
  name: string
  /** Makes the checkpoint in an empty folder and returns what a person gives to the command: the folder, if nothing. */
  make: (folder: string) => string | undefined | void
  /** The file that the message must name. */
  file: string | RegExp
  /** `inspect` reads no rows, no other chat format, and has an estimate for tokenizers of kinds that are not read. */
  inspect?: 'accepts'
}

/** A good checkpoint of 90 tokens, for one thing to be spoilt. */
export function checkpoint(folder: string, config: Config = CONFIGS.mistral): string {
  return writeFamily(folder, config, familyTensors(config))
}

export function write(folder: string, file: string, content: string | Uint8Array | object): void {
  const plain = typeof content === 'string' || content instanceof Uint8Array
  writeFileSync(join(folder, file), plain ? content : JSON.stringify(content))
}

/** A file of so many bytes, of which those behind the first take no room on the disk. */
export function writeHole(
  folder: string,
  file: string,
  bytes: number,
  first: string | Uint8Array = '',
): void {
  write(folder, file, first)
  truncateSync(join(folder, file), bytes)
}

/** Things that are no files, as they are put in a file's place. */
export const NO_FILES: Readonly<Record<string, (path: string) => void>> = {
  'a folder': (path) => mkdirSync(path),
  'a named pipe': (path) => {
    if (spawnSync('mkfifo', [path]).status !== 0) throw new Error(`mkfifo ${path} failed`)
  },
  'a link to itself': (path) => symlinkSync(path, path),
  'a link to nothing': (path) => symlinkSync(`${path}.nothing`, path),
  'a link to a device': (path) => symlinkSync('/dev/zero', path),
}

/** One case for each of them. */
export function noFiles(file: string, before: (folder: string) => void): HostileCase[] {
  return Object.entries(NO_FILES).map(([what, put]) => ({
    name: `${file} is ${what}`,
    file,
    make: (folder) => {
      before(folder)
      put(join(folder, file))
    },
  }))
}

/** JSON of so many lists inside each other. */
export function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}
