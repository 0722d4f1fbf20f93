// This file computes SHA-256 as bytes arrive, with node:crypto. Node has it, and workerd too (nodejs_compat,
// on by our compatibility date).

import { createHash } from 'node:crypto'

export type Sha256 = { update(bytes: Uint8Array): void; hex(): string }

export function sha256(): Sha256 {
  const hash = createHash('sha256')
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest('hex'),
  }
}
