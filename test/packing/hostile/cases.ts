// All hostile checkpoints. As a script it makes them: `node test/packing/hostile/cases.ts FOLDER`.

import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HostileCase } from './case.ts'
import { FOLDER_CASES } from './folder-cases.ts'
import { GGUF_CASES } from './gguf-cases.ts'
import { MANIFEST_CASES } from './manifest-cases.ts'
import { TEMPLATE_CASES } from './template-cases.ts'
import { TOKENIZER_CASES } from './tokenizer-cases.ts'

export const HOSTILE: readonly HostileCase[] = [
  ...GGUF_CASES,
  ...FOLDER_CASES,
  ...TOKENIZER_CASES,
  ...TEMPLATE_CASES,
  ...MANIFEST_CASES,
]

/** Makes one in a new folder; returns what is to be given to a command. */
export function makeCase(index: number, home: string): string {
  const folder = join(home, String(index))
  mkdirSync(folder, { recursive: true })
  return HOSTILE[index].make(folder) ?? folder
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const home = resolve(process.argv[2] ?? '.')
  for (const [index, { name }] of HOSTILE.entries())
    process.stdout.write(`${makeCase(index, home)}: ${name}\n`)
}
