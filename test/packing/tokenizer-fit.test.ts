// A tokenizer beside a model's vocabulary: larger vocabularies are padding, added marks past it go, ordinary tokens past it are refused.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSource } from '../../src/packing/open-source.ts'
import { fitTokenizer } from '../../src/packing/tokenizer-fit.ts'
import { writeTokenizer, type TokenizerSource } from '../../src/packing/tokenizer-write.ts'
import { parseTokenizer, TOKEN } from '../../src/tokenizer/format.ts'
import { CONFIGS } from '../helpers/family-model.ts'
import { Places } from '../helpers/refused-pack.ts'

const NAMES = ['<unk>', '<s>', '</s>', 'a', 'b', 'ab', '<image>', '<end>']
const { unknown, control, normal, userDefined, unused, byte } = TOKEN

function source(
  types: number[] = [unknown, control, control, normal, normal, normal, userDefined, control],
): TokenizerSource {
  return {
    tokens: NAMES.map((name) => new TextEncoder().encode(name)),
    types: Uint8Array.from(types),
    ranks: Uint32Array.from([0, 0, 0, 3, 2, 1, 0, 0]),
    merges: Uint32Array.from([3, 4, 5]),
    settings: {
      algorithm: 'bpe-sentencepiece',
      normalizer: 'none',
      ignoreMerges: false,
      dummyPrefix: 'none',
      removeExtraSpaces: false,
      cutAtSpaces: false,
      addBos: true,
      bosId: 1,
      eosId: 7,
      unknownId: 0,
      endIds: [2, 7],
    },
  }
}

describe('a vocabulary', () => {
  it.each([8, 9, 1000])('of %i rows fits eight tokens as they are', (vocab) => {
    const whole = source()
    expect(fitTokenizer(whole, vocab)).toBe(whole)
  })

  it('that ends before added marks cuts them off, and what names them', () => {
    const cut = fitTokenizer(source(), 6)
    expect(cut.tokens).toHaveLength(6)
    expect([...cut.types]).toEqual([unknown, control, control, normal, normal, normal])
    expect([...cut.ranks]).toEqual([0, 0, 0, 3, 2, 1])
    expect([...cut.merges]).toEqual([3, 4, 5])
    expect(cut.settings).toMatchObject({ bosId: 1, unknownId: 0, endIds: [2] })
    expect(cut.settings.eosId).toBeUndefined()
    const { offsets, settings } = parseTokenizer(writeTokenizer(cut))
    expect(offsets).toHaveLength(7)
    expect(settings.endIds).toEqual([2])
  })

  it('a merge into a token that is cut off goes too', () => {
    const types = [unknown, control, control, normal, normal, unused, unused, unused]
    expect([...fitTokenizer(source(types), 5).merges]).toEqual([])
  })

  it.each([
    ['an ordinary token', normal],
    ['a byte', byte],
    ['the unknown token', unknown],
  ])('that ends before %s is refused, with its id and text', (_, type) => {
    const types = [control, control, control, normal, normal, normal, type, control]
    expect(() => fitTokenizer(source(types), 6)).toThrow(
      expect.objectContaining({
        code: 'invalid_file',
        message: expect.stringMatching(/8 tokens and the model's vocabulary 6: token 6, "<image>"/) as string,
      }),
    )
  })
})

describe('a folder', () => {
  const places = new Places()
  const folder = (vocab_size: number): string => {
    const path = places.checkpoint({ ...CONFIGS.mistral, vocab_size })
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      const fixture = new URL(`../fixtures/float-model/${name}`, import.meta.url)
      writeFileSync(join(path, name), readFileSync(fixture))
    }
    return path
  }
  const tokens = async (path: string): Promise<number> => {
    const opened = await openSource(path)
    try {
      return parseTokenizer((await opened.tokenizer())!).types.length
    } finally {
      await opened.close()
    }
  }

  it('may have more rows than tokens', async () => {
    const count = await tokens(folder(5000))
    expect(count).toBeGreaterThan(100)
    expect(await tokens(folder(count))).toBe(count)
  })

  it('of fewer rows than tokens is refused by pack, which leaves nothing', async () => {
    await places.expectRefused(folder(100), /the model's vocabulary 100: token 100, ".*", has no embedding/)
  })
})
