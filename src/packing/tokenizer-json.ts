// This file reads Hugging Face's tokenizer.json: BPE over bytes, or over characters with byte fallback. Its
// parts (normalizer, pre_tokenizer, model) must be ones that we reproduce exactly; anything else is refused
// by name.

import { IsletError } from '../lib/errors.ts'
import { show } from '../models/facts.ts'
import { MAX_IDS, TOKEN } from '../tokenizer/format.ts'
import { PRE_TOKENIZERS } from '../tokenizer/pre-tokenizers.ts'
import { byteLevelToken, sentencePieceToken } from './tokenizer-gguf.ts'
import { mergePairs, mergeRows } from './tokenizer-write.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

export type AddedToken = { id: number; name: string; special: boolean }

type Part = Readonly<Record<string, unknown>>

/** Contractions without regard to case, as these files write them. */
const FOLDED = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`

/** The source without its added tokens, and the names by id. Throws unsupported_format or invalid_file. */
export function tokenizerFromJson(json: Part): { source: TokenizerSource; names: string[] } {
  const model = partOf(json.model) ?? {}
  if (model.type !== 'BPE') {
    throw new IsletError(
      'unsupported_format',
      `tokenizer.json has a model of type ${show(model.type)}; only BPE is read`,
    )
  }
  const vocab = partOf(model.vocab)
  if (vocab === undefined || !Array.isArray(model.merges)) {
    throw new IsletError('invalid_file', 'tokenizer.json has no vocabulary or no merges')
  }
  const names = namesById(vocab)
  const ids = new Map(names.map((name, id) => [name, id]))
  const unknown = typeof model.unk_token === 'string' ? ids.get(model.unk_token) : undefined
  const byBytes = steps(json.pre_tokenizer, 'pretokenizers').some((step) => step.type === 'ByteLevel')
  const text = byBytes ? byteLevelSettings(json) : sentencePieceSettings(json)
  const types = new Uint8Array(names.length).fill(TOKEN.normal)
  names.forEach((name, id) => {
    if (name === '') types[id] = TOKEN.unused
    else if (!byBytes && model.byte_fallback === true && /^<0x[0-9A-F]{2}>$/.test(name))
      types[id] = TOKEN.byte
  })
  if (unknown !== undefined && !byBytes) types[unknown] = TOKEN.unknown
  return {
    names,
    source: {
      tokens: names.map((name, id) => (byBytes ? byteLevelToken(name, types[id]) : sentencePieceToken(name))),
      types,
      ranks: new Uint32Array(0),
      merges: mergeRows(mergePairs(model.merges as unknown[]), ids),
      settings: {
        ...text,
        ignoreMerges: model.ignore_merges === true,
        removeExtraSpaces: false,
        cutAtSpaces: false,
        addBos: addsBos(json.post_processor),
        unknownId: unknown,
        endIds: [],
      },
    },
  }
}

type TextSettings = Pick<
  TokenizerSource['settings'],
  'algorithm' | 'preTokenizer' | 'normalizer' | 'dummyPrefix'
>

function byteLevelSettings(json: Part): TextSettings {
  const normalizers = steps(json.normalizer, 'normalizers')
  if (normalizers.some((step) => step.type !== 'NFC')) refuse('normalizer', json.normalizer)
  return {
    algorithm: 'bpe-bytes',
    preTokenizer: preTokenizerName(json.pre_tokenizer),
    normalizer: normalizers.length > 0 ? 'nfc' : 'none',
    dummyPrefix: 'none',
  }
}

/** The name of a chain that ends in ByteLevel. */
function preTokenizerName(value: unknown): string {
  const chain = steps(value, 'pretokenizers')
  const last = chain.at(-1)
  if (last?.type !== 'ByteLevel' || last.add_prefix_space === true) refuse('pre_tokenizer', value)
  const [first] = chain
  if (last.use_regex !== false) {
    if (chain.length === 1) return 'gpt-2'
    if (chain.length === 2 && first.type === 'Digits' && first.individual_digits === true) return 'smollm'
  } else if (
    chain.length === 2 &&
    first.type === 'Split' &&
    first.behavior === 'Isolated' &&
    first.invert !== true
  ) {
    const pattern = partOf(first.pattern)?.Regex
    for (const [name, patterns] of Object.entries(PRE_TOKENIZERS)) {
      if (patterns.length === 1 && pattern === patternOf(name)) return name
    }
  }
  return refuse('pre_tokenizer', value)
}

/** The pattern of a pre-tokenizer that folds case, as these files write it: ours spells the folding out. */
export function patternOf(name: string): string {
  const [pattern] = PRE_TOKENIZERS[name]
  return FOLDED + pattern.slice(pattern.indexOf(')|') + 1)
}

function sentencePieceSettings(json: Part): TextSettings {
  let dummyPrefix: TextSettings['dummyPrefix'] = 'none'
  for (const step of steps(json.normalizer, 'normalizers')) {
    const pattern = partOf(step.pattern)?.String
    if (step.type === 'Prepend' && step.prepend === '\u2581') dummyPrefix = 'each'
    else if (!(step.type === 'Replace' && pattern === ' ' && step.content === '\u2581'))
      refuse('normalizer', json.normalizer)
  }
  for (const step of steps(json.pre_tokenizer, 'pretokenizers')) {
    if (step.type === 'Metaspace' && step.replacement === '\u2581' && step.split !== true) {
      const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? 'never' : 'always')
      dummyPrefix = scheme === 'never' ? 'none' : scheme === 'first' ? 'first' : 'each'
    } else if (!(
      step.type === 'Split' &&
      partOf(step.pattern)?.String === ' ' &&
      step.behavior === 'MergedWithPrevious'
    )) {
      refuse('pre_tokenizer', json.pre_tokenizer) // that Split finds no space, the normalizer has replaced them all
    }
  }
  return { algorithm: 'bpe-sentencepiece', normalizer: 'none', dummyPrefix }
}

/** True if the post-processor begins a single text with a special token. */
function addsBos(value: unknown): boolean {
  return steps(value, 'processors').some((step) => {
    const single = Array.isArray(step.single) ? (step.single as unknown[]) : []
    return step.type === 'TemplateProcessing' && partOf(partOf(single[0])?.SpecialToken) !== undefined
  })
}

function namesById(vocab: Part): string[] {
  const names: string[] = []
  for (const [name, id] of Object.entries(vocab)) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_IDS) {
      throw new IsletError(
        'invalid_file',
        `the vocabulary gives ${JSON.stringify(name.slice(0, 60))} the id ${show(id)}`,
      )
    }
    if (names[id] !== undefined) {
      const both = [names[id], name].map((each) => JSON.stringify(each.slice(0, 60))).join(' and ')
      throw new IsletError('invalid_file', `the vocabulary gives ${both} one id, ${id}`)
    }
    names[id] = name
  }
  return Array.from(names, (name) => name ?? '')
}

/** The steps of a part that may be absent, single or a Sequence. */
function steps(value: unknown, key: string): Part[] {
  const part = partOf(value)
  if (part === undefined) return []
  if (part.type !== 'Sequence') return [part]
  return (Array.isArray(part[key]) ? (part[key] as unknown[]) : []).flatMap((step) => steps(step, key))
}

function partOf(value: unknown): Part | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Part) : undefined
}

function refuse(what: string, value: unknown): never {
  throw new IsletError(
    'unsupported_format',
    `the ${what} of tokenizer.json is not known: ${JSON.stringify(value)?.slice(0, 300)}`,
  )
}
