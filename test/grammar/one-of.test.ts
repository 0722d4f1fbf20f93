// One of many texts takes each of them and nothing else, beginnings of others among them.

import { describe, expect, it } from 'vitest'
import { oneOf } from '../../src/grammar/one-of.ts'
import { Terms } from '../../src/grammar/terms.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('one of some texts', () => {
  it.each([
    [['a']],
    [['', 'a']],
    [['a', 'ab', 'abc', 'b']],
    [['"é"', '"è"', '"e"', '"日本"', '"日"']],
    [Array.from({ length: 300 }, (_, i) => `"v${i}"`)],
  ])('%j', (texts) => {
    const terms = new Terms()
    const start = oneOf(terms, [...texts, texts[0]])
    const takes = (text: string): boolean => {
      const end = terms.advance(start, encode(text))
      return end !== terms.nothing && end.shortest === 0
    }
    for (const text of texts) expect(takes(text), text).toBe(true)
    const others = texts.flatMap((text) => [`${text}x`, text.slice(0, -1), `x${text}`])
    for (const other of others) expect(takes(other), other).toBe(texts.includes(other))
    expect(start.shortest).toBe(Math.min(...texts.map((text) => encode(text).length)))
  })

  it('looks at one branch for a byte, whatever there is beside it', () => {
    const terms = new Terms()
    const start = oneOf(
      terms,
      Array.from({ length: 5000 }, (_, i) => `"value ${i}"`),
    )
    const before = terms.nextId()
    terms.advance(start, encode('"value 4711"'))
    expect(terms.nextId() - before).toBeLessThan(100)
  })

  it('of none is nothing', () => {
    const terms = new Terms()
    expect(oneOf(terms, [])).toBe(terms.nothing)
  })
})
