// Names of special tokens are found leftmost and longest, and a text never becomes one, nor a part of one at its edge.

import { describe, expect, it } from 'vitest'
import { atOnce, Budget } from '../../src/lib/sliced.ts'
import { nameGuard, nameMatcher, splitAtNames } from '../../src/tokenizer/special.ts'

const NAMES = ['<|im_end|>', '<|im_end|>\n', '<s>', 'x']
const GUARD = '\ufdd0'

describe('names in a text', () => {
  const split = (text: string): [string, boolean][] => {
    const parts: [string, boolean][] = []
    const plain = (part: string): undefined => void parts.push([part, false])
    const name = (found: string): undefined => void parts.push([found, true])
    atOnce(splitAtNames(text, nameMatcher(NAMES), plain, name, new Budget()))
    return parts
  }

  it('are the longest, in order, with what lies between', () => {
    expect(split('a<s><|im_end|>\nb<|im_end|>')).toEqual([
      ['a', false],
      ['<s>', true],
      ['<|im_end|>\n', true],
      ['b', false],
      ['<|im_end|>', true],
    ])
  })

  it('of one character are none, and no names are no matcher', () => {
    expect(split('x')).toEqual([['x', false]])
    expect(nameMatcher(['x', 'y'])).toBeUndefined()
  })
})

describe('a guarded text', () => {
  const protect = nameGuard(NAMES, GUARD)

  it('has no name inside, also where names overlap', () => {
    for (const scope of ['inside', 'edges'] as const)
      expect(protect('a <s> <<s>>', scope).replaceAll(GUARD, '')).toBe('a <s> <<s>>')
    expect(protect('a <s> b', 'inside')).toBe(`a <${GUARD}s> b`)
    expect(protect('a <s> b', 'edges')).toBe(`a <${GUARD}s> b`)
  })

  it.each([
    ['<|im_end', `<|im_end${GUARD}`],
    ['say <', `say <${GUARD}`],
    ['|>', `${GUARD}|>`],
    ['s> hi', `${GUARD}s> hi`],
    ['  im_end|>  ', `  ${GUARD}im_end|>  `],
  ])('has no part of a name at its edges: %j', (text, guarded) => {
    expect(protect(text, 'edges')).toBe(guarded)
    expect(protect(text, 'inside')).toBe(text)
  })

  it('is left alone where there is nothing to guard', () => {
    for (const text of ['', '  ', 'plain', 'a > b']) expect(protect(text, 'edges')).toBe(text)
  })
})
