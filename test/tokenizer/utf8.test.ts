// Bytes to text in pieces: equal to TextDecoder at once, whatever the bytes and wherever they are cut.

import { expect, it } from 'vitest'
import { Utf8Stream, utf8Into } from '../../src/tokenizer/utf8.ts'
import { seeded } from './support.ts'

function streamed(bytes: Uint8Array, eachByte: boolean, cut: (n: number) => number): string {
  const stream = new Utf8Stream(eachByte)
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + cut(3)
    text += stream.push(bytes.subarray(at, end))
    at = end
  }
  return text + stream.flush()
}

/** Bytes that are likely to be interesting: leads, continuations, limits. */
const LIKELY = [
  0x41, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe4, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x8f, 0x90,
]

it('equals TextDecoder on random bytes', () => {
  const below = seeded(5)
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  for (let round = 0; round < 2000; round++) {
    const bytes = Uint8Array.from({ length: below(12) }, () => LIKELY[below(LIKELY.length)])
    expect(streamed(bytes, false, below)).toBe(decoder.decode(bytes))
  }
})

it('replaces every invalid byte where SentencePiece does', () => {
  const below = seeded(6)
  expect(streamed(Uint8Array.of(0xf0, 0x9f, 0x98, 0x61), true, below)).toBe('\ufffd\ufffd\ufffda')
  expect(streamed(Uint8Array.of(0xe4, 0xbd, 0xe4, 0xbd, 0xa0), true, below)).toBe('\ufffd\ufffd\u4f60')
  expect(streamed(Uint8Array.of(0xed, 0xa0, 0x80), true, below)).toBe('\ufffd\ufffd\ufffd')
})

it('holds back what is incomplete and no more', () => {
  const stream = new Utf8Stream(false)
  expect(stream.push(Uint8Array.of(0x61, 0xf0, 0x9f))).toBe('a')
  expect(stream.push(Uint8Array.of(0x98))).toBe('')
  expect(stream.push(Uint8Array.of(0x80, 0x62))).toBe('\u{1f600}b')
  expect(stream.flush()).toBe('')
})

it('writes UTF-8 as TextEncoder does', () => {
  const scratch = { bytes: new Uint8Array(4) }
  for (const text of [
    '',
    'plain',
    'a\u00e9b',
    '\u4f60\u597d',
    'x\u{1f600}',
    '\ud800y',
    'long '.repeat(100) + '\u00e9',
  ]) {
    const length = utf8Into(text, scratch)
    expect(scratch.bytes.slice(0, length)).toEqual(new TextEncoder().encode(text))
  }
})
