// A split GGUF holds one model in several files, of which each says that it is a part.

import type { Metadata } from '../formats/gguf.ts'
import { IsletError } from '../lib/errors.ts'

/** So many of the other parts are named. */
const NAMED = 3

/** Throws `unsupported_format` where the file `name` is one part of several: it names the others, and how they are joined. */
export function refusePart(metadata: Metadata, name: string): void {
  const count = metadata.get('split.count')
  if (typeof count !== 'number' || count <= 1) return
  const part = Number(metadata.get('split.no') ?? 0) + 1
  const others = otherNames(name, part, count)
  const named = others.length === 0 ? '' : ` (the others: ${others.join(', ')})`
  throw new IsletError(
    'unsupported_format',
    `${name} is part ${part} of ${count} of a split model${named}: join them with llama-gguf-split --merge`,
  )
}

function otherNames(name: string, part: number, count: number): string[] {
  const cut = /^(.*-)\d{5}(-of-\d{5}\.gguf)$/i.exec(name)
  if (cut === null) return []
  const names: string[] = []
  for (let other = 1; other <= count && names.length < NAMED; other++)
    if (other !== part) names.push(cut[1] + String(other).padStart(5, '0') + cut[2])
  if (count - 1 > NAMED) names.push(`${count - 1 - NAMED} more`)
  return names
}
