// Our SHA-256 beside the host's, whatever the pieces.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/lib/sha256.ts'

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 167 + (i >> 3)) & 255)

function expected(text: Uint8Array): string {
  return createHash('sha256').update(text).digest('hex')
}

test('of every length around blocks it is the hash of the host', () => {
  for (let length = 0; length <= 260; length++) {
    const hash = sha256()
    hash.update(bytes.subarray(0, length))
    expect(hash.hex()).toBe(expected(bytes.subarray(0, length)))
  }
})

test('pieces count as the whole, empty ones and those that end in a block too', () => {
  for (const step of [1, 3, 55, 56, 63, 64, 65, 127, 129, 300]) {
    const hash = sha256()
    for (let at = 0; at < bytes.length; at += step) {
      hash.update(bytes.subarray(at, at + step))
      hash.update(new Uint8Array(0))
    }
    expect(hash.hex()).toBe(expected(bytes))
  }
})
