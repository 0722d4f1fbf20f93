// A `qwen.tiktoken` has a line for each token: its bytes as base64, and its rank, which is its id. Pattern
// and special tokens are not in the file; they are those of Qwen, whose first generation has no other
// tokenizer file.

import { IsletError } from '../lib/errors.ts'
import { nameOfBytes } from '../tokenizer/byte-map.ts'
import { MAX_PIECE_BYTES, MAX_IDS, TOKEN } from '../tokenizer/format.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

const CHAT_MARKS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
const EXTRAS = Array.from({ length: 205 }, (_, i) => `<|extra_${i}|>`)

/** Facts from the settings beside the file, each undefined where it is not known. */
export type TiktokenFacts = { tokenizerClass: unknown; modelType: unknown; vocabSize: unknown }

/**
 * Reads the ranks and appends Qwen's special tokens. Throws unsupported_format where the settings name
 * another family.
 */
export function tokenizerFromTiktoken(
  file: Uint8Array,
  { tokenizerClass, modelType, vocabSize }: TiktokenFacts,
): { source: TokenizerSource; names: string[] } {
  const kind = tokenizerClass ?? modelType
  if (typeof kind === 'string' && !/^qwen/i.test(kind)) {
    throw new IsletError(
      'unsupported_format',
      `a .tiktoken file of ${JSON.stringify(kind)}; its pattern and special tokens are not known, those of Qwen are`,
    )
  }
  const tokens = readRanks(file)
  const ranks = tokens.length
  const first = typeof modelType !== 'string' || modelType === 'qwen'
  // A model with fewer rows than there are extra tokens has no use for the last of them.
  const most = typeof vocabSize === 'number' && vocabSize >= ranks + CHAT_MARKS.length ? vocabSize : MAX_IDS
  const specials = [...CHAT_MARKS, ...(first ? EXTRAS : [])].slice(0, most - ranks)
  const names = [...tokens.map(nameOfBytes), ...specials]
  const types = new Uint8Array(names.length).fill(TOKEN.control)
  types.fill(TOKEN.normal, 0, ranks)
  return {
    names,
    source: {
      tokens: [...tokens, ...specials.map((name) => new TextEncoder().encode(name))],
      types,
      ranks: Uint32Array.from(names, (_name, id) => id),
      merges: new Uint32Array(0),
      settings: {
        algorithm: 'bpe-bytes',
        preTokenizer: 'qwen2',
        normalizer: 'nfc',
        ignoreMerges: true, // tiktoken looks a whole piece up first
        dummyPrefix: 'none',
        removeExtraSpaces: false,
        cutAtSpaces: false,
        addBos: false,
        eosId: ranks,
        endIds: [],
      },
    },
  }
}

/** The tokens by rank. Ranks are 0, 1, 2 ... in any order, and each single byte is a token. */
function readRanks(file: Uint8Array): Uint8Array[] {
  const tokens: Uint8Array[] = []
  const seen = new Set<string>()
  const decoder = new TextDecoder('latin1')
  let count = 0
  for (let start = 0; start < file.length;) {
    const newline = file.indexOf(0x0a, start)
    const end = newline < 0 ? file.length : newline
    // A token of the longest length takes less than twice as many characters.
    if (end - start > 2 * MAX_PIECE_BYTES) throw damaged(`line ${count + 1} has ${end - start} bytes`)
    const line = decoder.decode(file.subarray(start, end)).trimEnd()
    start = end + 1
    if (line === '') continue
    const match = /^([A-Za-z0-9+/]+={0,2}) (\d{1,7})$/.exec(line)
    if (match === null) throw damaged(`${JSON.stringify(line.slice(0, 80))} is not a token and its rank`)
    const rank = Number(match[2])
    if (rank >= MAX_IDS) throw damaged(`rank ${rank}, below ${MAX_IDS} are allowed`)
    if (tokens[rank] !== undefined) throw damaged(`two tokens have rank ${rank}`)
    const bytes = decode(match[1])
    const text = nameOfBytes(bytes)
    if (seen.has(text)) throw damaged(`rank ${rank} is a token that came before`)
    seen.add(text)
    tokens[rank] = bytes
    count++
  }
  if (count !== tokens.length) throw damaged(`${count} tokens, but ranks up to ${tokens.length - 1}`)
  for (let byte = 0; byte < 256; byte++) {
    if (!seen.has(nameOfBytes(Uint8Array.of(byte)))) throw damaged(`no token for the byte ${byte}`)
  }
  return tokens
}

function decode(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch (cause) {
    throw new IsletError('invalid_file', `${JSON.stringify(base64)} in the .tiktoken file is not base64`, {
      cause,
    })
  }
}

function damaged(what: string): IsletError {
  return new IsletError('invalid_file', `the .tiktoken file is damaged: ${what}`)
}
