// The stand-in for node:crypto in a page: the same SHA-256 as node:crypto's, however the bytes arrive.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createHash as createPageHash } from '../pages/crypto.ts'

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37 + (i >> 3)) & 255)
const wanted = (length: number): string =>
  createHash('sha256').update(bytes.subarray(0, length)).digest('hex')

test('every length around the blocks, at once', () => {
  for (let length = 0; length <= 260; length++) {
    expect(createPageHash('sha256').update(bytes.subarray(0, length)).digest('hex')).toBe(wanted(length))
  }
})

test.each([1, 3, 63, 64, 65, 127, 300])('in pieces of %i bytes', (size) => {
  const hash = createPageHash('sha256')
  for (let at = 0; at < bytes.length; at += size) hash.update(bytes.subarray(at, at + size))
  expect(hash.digest('hex')).toBe(wanted(bytes.length))
})

test('nothing but SHA-256', () => {
  expect(() => createPageHash('sha512')).toThrow('sha512')
})
