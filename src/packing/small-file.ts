// This reader takes small files of a folder whole: regular files alone, each within its limit.

import { lstat, readFile, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../formats/json.ts'
import { MAX_JSON_BYTES, MAX_SETTINGS_BYTES } from '../formats/limits.ts'
import { IsletError } from '../lib/errors.ts'
import { inFile } from './in-file.ts'

/** The bytes of a file of the folder, undefined if it is not there. */
export type ReadFile = (name: string) => Promise<Uint8Array | undefined>

/** Those that may be large: a vocabulary, or a line for each tensor. */
const LARGE =
  /^(vocab|tokenizer|manifest|model\.safetensors\.index)\.json$|\.(model|tiktoken|bin)$|^merges\.txt$/

/**
 * A reader of small files in a folder: undefined where one is absent, `invalid_file` for what is no file, or
 * has more than `most` bytes (default: by its name).
 */
export function folderReader(folder: string, most?: number): ReadFile {
  return async (name) => {
    const path = join(folder, name)
    const facts = await factsOfFile(path, name)
    if (facts === undefined) return undefined
    const limit = most ?? (LARGE.test(name) ? MAX_JSON_BYTES : MAX_SETTINGS_BYTES)
    if (facts.size > limit)
      throw new IsletError('invalid_file', `${name} has ${facts.size} bytes, at most ${limit} are read`)
    try {
      return new Uint8Array(await readFile(path))
    } catch (cause) {
      const { code = 'an error' } = cause as NodeJS.ErrnoException
      throw new IsletError('invalid_file', `${name} cannot be read: ${code}`, { cause })
    }
  }
}

/**
 * Facts of a regular file, undefined where nothing is. Opening a named pipe would wait for ever, so look
 * first.
 */
export async function factsOfFile(path: string, name: string): Promise<Stats | undefined> {
  const facts = await stat(path).catch(() => undefined)
  if (facts === undefined) {
    // A link that leads nowhere, or in a circle, is there all the same.
    const link = await lstat(path).catch(() => undefined)
    if (link === undefined) return undefined
    throw new IsletError('invalid_file', `${name} is a link that leads nowhere`)
  }
  if (!facts.isFile()) throw new IsletError('invalid_file', `${name} is ${kindOf(facts)}, not a file`)
  return facts
}

/** What something is that is no regular file, in words. */
export function kindOf(facts: Stats): string {
  if (facts.isDirectory()) return 'a folder'
  if (facts.isFIFO()) return 'a named pipe'
  return facts.isSocket() ? 'a socket' : 'a device'
}

/**
 * A JSON object from a file of the folder; `invalid_file` if it is something else, undefined where it is
 * absent.
 */
export async function readJsonFile(
  read: ReadFile,
  name: string,
): Promise<Record<string, unknown> | undefined> {
  const bytes = await read(name)
  if (bytes === undefined) return undefined
  try {
    const value = parseJson(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
    throw new IsletError('invalid_file', 'is no JSON object')
  } catch (error) {
    throw inFile(name, error, ' ')
  }
}
