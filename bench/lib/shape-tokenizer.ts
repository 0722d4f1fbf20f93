// A shape's tokenizer is a byte-level BPE of made-up words: as many entries, and about as many bytes, as a real one has.

import { TOKEN } from '../../src/tokenizer/format.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import { ShapeRandom } from './shape-weights.ts'

/** Bytes of a token that is made of two others, at most. */
const LONGEST = 12

const END = '<|endoftext|>'

/** tokenizer.bin with `vocab` ids: 256 bytes, words by merging two tokens, and the end of a text, which is the last. */
export function shapeTokenizer(vocab: number, seed = 7): Uint8Array {
  const random = new ShapeRandom(seed)
  const names = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
  const known = new Set(names)
  const merges: number[] = []
  // Words of letters, with a space before some.
  const letters = [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => names.indexOf(letter))
  const parts = [...letters, names.indexOf(' ')]
  const words = [...letters]
  while (names.length < vocab - 1) {
    const left = parts[random.next() % parts.length]
    const right = words[random.next() % words.length]
    const name = names[left] + names[right]
    if (name.length > LONGEST || known.has(name)) continue
    const id = names.push(name) - 1
    known.add(name)
    merges.push(left, right, id)
    parts.push(id)
    if (!name.startsWith(' ')) words.push(id)
  }
  const tokens: Uint8Array[] = names.map((name) => Uint8Array.from(name, (letter) => letter.charCodeAt(0)))
  const endId = tokens.push(new TextEncoder().encode(END)) - 1
  const types = new Uint8Array(vocab).fill(TOKEN.normal)
  types[endId] = TOKEN.control
  return writeTokenizer({
    tokens,
    types,
    ranks: new Uint32Array(0),
    merges: Uint32Array.from(merges),
    settings: {
      algorithm: 'bpe-bytes',
      preTokenizer: 'qwen2',
      normalizer: 'none',
      ignoreMerges: false,
      dummyPrefix: 'none',
      removeExtraSpaces: false,
      cutAtSpaces: true,
      addBos: false,
      eosId: endId,
      endIds: [endId],
    },
  })
}
