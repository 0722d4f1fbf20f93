// Tokenizers for tests come from fixtures and the real model. The fixtures are those of the full set of goldens, byte
// for byte (test/golden/cut.test.ts).

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GgufMetadata } from '../../src/packing/tokenizer-gguf.ts'
import { tokenizerFromFolder } from '../../src/packing/tokenizer-hf.ts'
import { writeTokenizer } from '../../src/packing/tokenizer-write.ts'
import type { TokenizerSource } from '../../src/packing/tokenizer-write.ts'
import { nameOfBytes } from '../../src/tokenizer/byte-map.ts'
import { readTokenizer } from '../../src/tokenizer/packed.ts'
import type { Tokenizer } from '../../src/tokenizer/tokenizer.ts'
import { GOLDEN } from '../helpers/golden.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const FIXTURES = join(ROOT, 'test/fixtures/tokenizers')

/** Chat templates of others lie in the full set of goldens alone. */
export const QWEN_TEMPLATES = join(GOLDEN, 'tokenizers/open/qwen2')

const PACKED = join(ROOT, 'models/smollm2-135m-instruct')
const GGUF = process.env['ISLET_SMOLLM2_GGUF']
/** MODEL of the real SmolLM2, undefined where it is not on this machine. */
export const SMOLLM2 = existsSync(join(PACKED, 'manifest.json')) ? PACKED : GGUF

export type Golden = {
  cases: {
    text: string
    ids: number[]
    decoded: string
    special_ids?: number[]
    no_special_ids?: number[]
    encode_special_tokens_ids?: number[]
    sentencepiece_ids?: number[]
  }[]
  special?: Record<string, number>
  added_tokens?: Record<string, number>
  decode_cases?: { what: string; ids: number[]; text: string }[]
}

export function readGolden(folder: string): Golden {
  return readJson(join(folder, 'goldens.json')) as Golden
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'))
}

export function open(source: TokenizerSource): Tokenizer {
  return readTokenizer(writeTokenizer(source))
}

export async function fromFolder(folder: string): Promise<Tokenizer> {
  const read = async (name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined
  return open(await tokenizerFromFolder(read))
}

export const CHATML = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']

/** GGUF metadata of a byte-level tokenizer: ChatML's marks, 256 bytes, then one token for each merge. */
export function byteLevelMetadata(merges: [string, string][], more: GgufMetadata = {}): GgufMetadata {
  const bytes = Array.from({ length: 256 }, (_, byte) => nameOfBytes(Uint8Array.of(byte)))
  const joined = merges.map(([left, right]) => left + right)
  const tokens = [...CHATML, ...bytes, ...joined, '<tool_call>']
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': tokens.map((token) =>
      CHATML.includes(token) ? 3 : token === '<tool_call>' ? 4 : 1,
    ),
    'tokenizer.ggml.merges': merges.map((pair) => pair.join(' ')),
    'tokenizer.ggml.eos_token_id': 2,
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.add_bos_token': false,
    ...more,
  }
}

/** A small seeded generator of whole numbers below n. */
export function seeded(seed: number): (n: number) => number {
  let state = seed >>> 0
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}
