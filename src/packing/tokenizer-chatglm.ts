// The three ChatGLM tokenizers add special tokens and white space to SentencePiece in code. The first release
// of ChatGLM-6B also shifts all ids by an offset.

import { IsletError } from '../lib/errors.ts'
import { BLANK_NAMES } from '../tokenizer/chatglm.ts'
import { MAX_ID_OFFSET, TOKEN } from '../tokenizer/format.ts'
import { growTokens } from './token-arrays.ts'
import type { TokenizerSource } from './tokenizer-write.ts'

type Json = Readonly<Record<string, unknown>>

/** tokenizer_config.json, config.json (both may be empty) and the text of tokenization_chatglm.py. */
export type ChatGlmFiles = { tokenizer: Json; model: Json; code: string | undefined }

const SPECIALS_1 = ['[MASK]', '[gMASK]', '[sMASK]', '<unused_0>', '<sop>', '<eop>', '<ENC>', '<dBLOCK>']
const SPECIALS_2 = ['[MASK]', '[gMASK]', '[sMASK]', 'sop', 'eop']
export const CHATGLM_ROLES = ['<|system|>', '<|user|>', '<|assistant|>', '<|observation|>']
/** What ends a turn of ChatGLM3 beside eos: the next one begins. */
export const CHATGLM_ENDS = ['<eop>', '<|user|>', '<|observation|>']
/** The class's own default; the second release of ChatGLM-6B has removed the image tokens and says 0. */
const IMAGE_TOKENS = 20_000

/** True for ChatGLM-1 by its pieces, and for the others by what the settings say. */
export function isChatGlm(source: TokenizerSource, names: readonly string[], files: ChatGlmFiles): boolean {
  if (source.settings.algorithm === 'unigram' && names.includes('<n>') && names.includes('[gMASK]'))
    return true
  const named = files.tokenizer.tokenizer_class
  return named === 'ChatGLMTokenizer' || (named === undefined && files.model.model_type === 'chatglm')
}

/** Appends the special tokens and completes the settings. `source` and `names` change. */
export function completeChatGlm(source: TokenizerSource, names: string[], files: ChatGlmFiles): void {
  const { settings } = source
  settings.addBos = false
  if (files.tokenizer.clean_up_tokenization_spaces !== false) settings.cleanUp = true // transformers' default
  for (const key of ['remove_space', 'do_lower_case']) {
    if (files.tokenizer[key] === true)
      throw new IsletError('unsupported_format', `a ChatGLM tokenizer with ${key} is not supported`)
  }
  if (settings.algorithm === 'unigram') return completeFirst(source, names, files)
  append(source, names, SPECIALS_2, TOKEN.control)
  if (!isSecond(files)) append(source, names, CHATGLM_ROLES, TOKEN.control)
  settings.parsedIds = CHATGLM_ROLES.map((name) => names.indexOf(name)).filter((id) => id >= 0)
}

function completeFirst(source: TokenizerSource, names: string[], files: ChatGlmFiles): void {
  const { settings } = source
  if (!names.includes('[gMASK]')) {
    const bytes = Array.from(
      { length: 256 },
      (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
    )
    append(source, names, SPECIALS_1, TOKEN.control)
    append(source, names, BLANK_NAMES, TOKEN.userDefined)
    append(source, names, bytes, TOKEN.byte)
  }
  settings.textLayer = 'chatglm'
  const idOf = (name: string): number | undefined => (names.includes(name) ? names.indexOf(name) : undefined)
  settings.bosId = idOf('<sop>')
  settings.eosId = idOf('<eop>')
  const offset = idOffset(settings.bosId, settings.eosId, files)
  if (offset > 0) settings.idOffset = offset
}

/**
 * config.json knows where `<sop>` and `<eop>` are; else tokenizer_config.json counts the image tokens before
 * them.
 */
function idOffset(sop: number | undefined, eop: number | undefined, files: ChatGlmFiles): number {
  const { bos_token_id: bos, eos_token_id: eos } = files.model
  if (typeof bos === 'number' && typeof eos === 'number' && sop !== undefined && eop !== undefined) {
    const offset = bos - sop
    if (offset >= 0 && offset <= MAX_ID_OFFSET && offset === eos - eop) return offset
  }
  const images = files.tokenizer.num_image_tokens
  if (images === undefined) return files.tokenizer.tokenizer_class === undefined ? 0 : IMAGE_TOKENS
  if (typeof images !== 'number' || !Number.isInteger(images) || images < 0 || images > MAX_ID_OFFSET)
    throw new IsletError(
      'invalid_file',
      `tokenizer_config.json has num_image_tokens ${JSON.stringify(images)}`,
    )
  return images
}

/**
 * ChatGLM2 has no role tokens. Its files are otherwise ChatGLM3's, so where nothing tells them apart the
 * roles are appended: in ChatGLM2 those rows are padding, and nothing of it is lost.
 */
function isSecond({ tokenizer, model, code }: ChatGlmFiles): boolean {
  if (code !== undefined) return !code.includes('<|observation|>')
  return [model._name_or_path, tokenizer.name_or_path].some(
    (name) => typeof name === 'string' && /chatglm2/i.test(name),
  )
}

function append(source: TokenizerSource, names: string[], added: readonly string[], type: number): void {
  const before = names.length
  for (const name of added) names.push(name)
  growTokens(source, names.length, type)
  added.forEach((name, i) => (source.tokens[before + i] = new TextEncoder().encode(name)))
}
