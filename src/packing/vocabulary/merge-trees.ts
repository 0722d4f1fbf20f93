// A merge tree names the ids that BPE passes on its way to a token. A text whose tokens keep their trees is cut as before.

import { Merger } from '../../tokenizer/merge.ts'
import { characterEnd } from '../../tokenizer/normalise.ts'
import { isText, type Vocabulary } from '../../tokenizer/vocabulary.ts'

/**
 * A function that gives the ids which merging makes of a token's own text, single characters or bytes first. They end
 * with the token itself, but for one that merging never reaches. Ids come twice where a token holds a part twice. A
 * unigram vocabulary has no merges: its tokens stand alone.
 */
export function mergeTrees(vocabulary: Vocabulary): (id: number) => number[] {
  if (vocabulary.settings.algorithm === 'unigram') return () => []
  let passed: number[] = []
  const merger = new Merger((text) => {
    const rules = vocabulary.pairRules(text)
    return {
      ...rules,
      result(candidate) {
        const id = rules.result(candidate)
        passed.push(id)
        return id
      },
    }
  })
  return (id) => {
    const text = vocabulary.stored(id).slice()
    passed = []
    merger.reserve(text.length)
    merger.bytes = text
    for (const { start, symbol } of symbolsOf(vocabulary, text)) {
      merger.starts[merger.count] = start
      merger.ids[merger.count++] = symbol
      if (symbol >= 0) passed.push(symbol)
    }
    merger.starts[merger.count] = text.length
    merger.advance(Infinity)
    return passed
  }
}

/** What merging begins with: bytes in a byte-level vocabulary, else characters, -1 for one that has no token. */
function* symbolsOf(vocabulary: Vocabulary, text: Uint8Array): Generator<{ start: number; symbol: number }> {
  const { settings, byteIds, types } = vocabulary
  for (let start = 0; start < text.length;) {
    if (settings.algorithm === 'bpe-bytes') {
      yield { start, symbol: byteIds[text[start]] }
      start++
      continue
    }
    const end = characterEnd(text, start, text.length)
    const id = vocabulary.find(text, start, end)
    yield { start, symbol: id >= 0 && isText(types[id]) ? id : -1 }
    start = end
  }
}
