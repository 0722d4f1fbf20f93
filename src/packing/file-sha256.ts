// The SHA-256 of large files is the host's own: the command line has it, and hashes gigabytes.

import { createHash } from 'node:crypto'
import type { Sha256 } from '../lib/sha256.ts'

/** As sha256(), ten times as fast. */
export function fileSha256(): Sha256 {
  const hash = createHash('sha256')
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest('hex'),
  }
}
