// What a tokenizer holds for each token grows and shrinks together, with the ids that its settings name.

import { expect, it } from 'vitest'
import { growTokens } from '../../src/packing/token-arrays.ts'
import { fitTokenizer } from '../../src/packing/tokenizer-fit.ts'
import type { TokenizerSource } from '../../src/packing/tokenizer-write.ts'
import { TOKEN } from '../../src/tokenizer/format.ts'

const source = (): TokenizerSource => ({
  tokens: ['a', 'b', 'c'].map((name) => new TextEncoder().encode(name)),
  types: Uint8Array.of(TOKEN.normal, TOKEN.normal, TOKEN.control),
  ranks: Uint32Array.of(0, 1, 2),
  merges: new Uint32Array(0),
  scores: Float32Array.of(-1, -2, -3),
  settings: {
    algorithm: 'unigram',
    ignoreMerges: false,
    dummyPrefix: 'none',
    removeExtraSpaces: false,
    cutAtSpaces: false,
    addBos: false,
    bosId: undefined,
    eosId: 2,
    unknownId: 0,
    endIds: [1, 2],
    parsedIds: [1, 2],
  } as TokenizerSource['settings'],
})

it('grows every list, with empty tokens of a type behind', () => {
  const grown = source()
  growTokens(grown, 5, TOKEN.userDefined)
  expect(grown.tokens.map(({ length }) => length)).toEqual([1, 1, 1, 0, 0])
  expect([...grown.types].slice(2)).toEqual([TOKEN.control, TOKEN.userDefined, TOKEN.userDefined])
  expect([...grown.ranks]).toEqual([0, 1, 2, 0, 0])
  expect([...grown.scores!]).toEqual([-1, -2, -3, 0, 0])
})

it('leaves lists alone that the algorithm does not have', () => {
  const plain = { ...source(), ranks: new Uint32Array(0), scores: undefined }
  growTokens(plain, 4)
  expect([plain.ranks.length, plain.scores, plain.types.at(-1)]).toEqual([0, undefined, TOKEN.unused])
})

it('a tokenizer that is cut to its vocabulary names no id past it', () => {
  const whole = source()
  const { tokens, types, ranks, scores, settings } = fitTokenizer(whole, 2)
  expect([tokens.length, types.length, ranks.length, scores?.length]).toEqual([2, 2, 2, 2])
  expect([settings.eosId, settings.unknownId, settings.endIds, settings.parsedIds]).toEqual([
    undefined,
    0,
    [1],
    [1],
  ])
  expect([whole.tokens.length, whole.scores?.length]).toEqual([3, 3])
})
