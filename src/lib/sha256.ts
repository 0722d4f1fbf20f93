// SHA-256 as bytes arrive: node:crypto, which Node and workerd (nodejs_compat, on by our compatibility date) both have.

import { createHash } from 'node:crypto'

export type Sha256 = { update(bytes: Uint8Array): void; hex(): string }

export function sha256(): Sha256 {
  const hash = createHash('sha256')
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest('hex'),
  }
}
