// This file finds the chat format of a checkpoint. The template in its files comes first, else the built-in
// format of its family, else its family's template. docs/chat.md has the rules for people.

import { checkTemplate } from '../chat/template.ts'
import { IsletError } from '../lib/errors.ts'
import { BUILTIN_FORMATS } from '../weights/manifest.ts'
import type { BuiltinChat, BuiltinFormat, ChatFormat, TemplateChat } from '../weights/manifest.ts'
import { FAMILY_TEMPLATES } from './family-templates.ts'
import { inFile } from './in-file.ts'
import type { ModelSource } from './source.ts'

type Json = Readonly<Record<string, unknown>>

/** What a folder says, file by file; undefined where one is absent. */
export type FolderFacts = {
  config: Json | undefined
  tokenizer: Json
  generation: Json | undefined
  /** The tokenizer's Python code, which tells ChatGLM3 from ChatGLM2. */
  code: string
  /**
   * Whether the vocabulary is ChatGLM-6B's ice_text.model; whether there is a SentencePiece tokenizer.model.
   */
  iceText: boolean
  sentencePiece: boolean
  /** Of the folder or file: the weakest hint, used where nothing else tells two formats apart. */
  name: string
}

/** Of several templates the one for chats with functions has this name everywhere. */
export const TOOL_TEMPLATE = 'tool_use'

/** A template if there is one, else the family's format, else none. */
export function chatOfFolder(template: unknown, facts: FolderFacts, toolTemplate?: unknown): ChatFormat {
  const own = templateChat(template, toolTemplate)
  if (own !== undefined) return own
  const { config = {}, tokenizer, generation = {} } = facts
  const format = folderFormat(facts)
  if (format === undefined) return templateOf(config.model_type)
  return withFacts({
    format,
    userId: generation.user_token_id,
    assistantId: generation.assistant_token_id,
    // Qwen's window for a conversation is shorter than what its tokenizer or model may hold.
    maxLength:
      format === 'qwen1'
        ? generation.max_window_size
        : (config.model_max_length ?? tokenizer.model_max_length),
    maxNewTokens: generation.max_new_tokens,
  })
}

/** The same from GGUF metadata, which records neither ids of roles nor limits. */
export function chatOfGguf(metadata: Json, fileName = ''): ChatFormat {
  const template = metadata['tokenizer.chat_template']
  const own = templateChat(template, metadata[`tokenizer.chat_template.${TOOL_TEMPLATE}`])
  if (own !== undefined) return own
  const name = [metadata['general.name'], metadata['general.basename'], fileName]
    .map(textOf)
    .join(' ')
    .toLowerCase()
  const tokens = metadata['tokenizer.ggml.tokens']
  const format = ggufFormat(metadata, name, Array.isArray(tokens) ? (tokens as unknown[]) : [])
  return format === undefined ? templateOf(metadata['general.architecture']) : withFacts({ format })
}

/** `none` or the name of a built-in format, said by a person; ids and limits stay those that were found. */
export function chatNamed(name: string, found: ChatFormat): ChatFormat {
  if (name === 'none') return { kind: 'none' }
  const format = BUILTIN_FORMATS.find((each) => each === name)
  if (format !== undefined)
    return found.kind === 'builtin' ? { ...found, format } : { kind: 'builtin', format }
  throw new IsletError('invalid_request', `--chat ${name}: one of ${BUILTIN_FORMATS.join(', ')}, none`, {
    param: '--chat',
  })
}

/** Refuses a template that no chat could use; another format can take its place. */
export function checkChat({ chat, chatFile }: Pick<ModelSource, 'chat' | 'chatFile'>): void {
  try {
    if (chat.kind !== 'jinja') return
    checkTemplate(chat.template)
    if (chat.toolTemplate !== undefined) checkTemplate(chat.toolTemplate)
  } catch (error) {
    if (!(error instanceof IsletError)) throw error
    const says = `${error.message}; --chat packs with another format, or none`
    throw inFile(chatFile, new IsletError(error.code, says, { cause: error.cause }))
  }
}

export function templateChat(template: unknown, toolTemplate: unknown): TemplateChat | undefined {
  if (typeof template !== 'string' || template === '') return undefined
  const isOther = typeof toolTemplate === 'string' && toolTemplate !== '' && toolTemplate !== template
  return { kind: 'jinja', template, ...(isOther && { toolTemplate }) }
}

function templateOf(family: unknown): ChatFormat {
  const template = FAMILY_TEMPLATES.get(family)
  return template === undefined ? { kind: 'none' } : { kind: 'jinja', template }
}

function folderFormat(facts: FolderFacts): BuiltinFormat | undefined {
  const { config = {}, tokenizer, generation, name } = facts
  const tokenizerClass = textOf(tokenizer.tokenizer_class) || textOf(config.tokenizer_class)
  const names = `${textOf(config._name_or_path)} ${name}`.toLowerCase()
  switch (config.model_type ?? MODEL_TYPES[tokenizerClass]) {
    case 'chatglm':
      if (facts.iceText || config.position_encoding_2d === true) return 'chatglm1'
      return facts.code.includes('<|observation|>') || /chatglm-?3/.test(names) ? 'chatglm3' : 'chatglm2'
    case 'qwen':
      // The base model's own chat() takes a question as it is.
      return generation?.chat_format === 'raw' ? undefined : 'qwen1'
    case 'baichuan':
      // Chat models name their role tokens; the first 7B (with its own class name) exists as a base model
      // alone.
      if (generation !== undefined && !('user_token_id' in generation)) return undefined
      if (listOf(config.architectures).includes('BaiChuanForCausalLM')) return undefined
      // Only the second generation's configs name a tokenizer class.
      return baichuanFormat(Number(config.vocab_size), 'tokenizer_class' in config ? 'baichuan2' : names)
    case 'llama': {
      // LLaMA-1 has no chat model; the keys came with Llama 2. A tokenizer alone cannot tell.
      const second =
        facts.config === undefined || 'num_key_value_heads' in config || 'pretraining_tp' in config
      const sentencePiece =
        /^(Code)?Llama/.test(tokenizerClass) || (tokenizerClass === '' && facts.sentencePiece)
      return second && sentencePiece && !isBase(names) ? 'llama2' : undefined
    }
    default:
      return undefined
  }
}

function ggufFormat(metadata: Json, name: string, tokens: readonly unknown[]): BuiltinFormat | undefined {
  const architecture = metadata['general.architecture']
  if (architecture === 'chatglm') return tokens.includes('<|observation|>') ? 'chatglm3' : 'chatglm2'
  if (architecture === 'qwen') return isBase(name) ? undefined : 'qwen1'
  if (architecture === 'baichuan') {
    const format = isBase(name) ? undefined : baichuanFormat(tokens.length, name)
    // Of the first generation only the 13B (40 layers) has a chat model.
    const first7b = metadata['baichuan.block_count'] === 32 || /baichuan1?-?7b/.test(name)
    return format === 'baichuan1' && first7b ? undefined : format
  }
  // The architecture says llama for Mistral and many others too, so here the name must agree.
  const llama = architecture === 'llama' && metadata['tokenizer.ggml.model'] === 'llama'
  const second = /llama/.test(name) && !/llama[-_ ]?(v?1|7b|13b|30b|33b|65b)\b|llama1/.test(name)
  return llama && second && !isBase(name) ? 'llama2' : undefined
}

/** Of tokenizer classes whose folder has no config.json. */
const MODEL_TYPES: Readonly<Record<string, string>> = {
  ChatGLMTokenizer: 'chatglm',
  QWenTokenizer: 'qwen',
  BaichuanTokenizer: 'baichuan',
  BaiChuanTokenizer: 'baichuan',
  LlamaTokenizer: 'llama',
  LlamaTokenizerFast: 'llama',
}

/** The vocabularies of both generations; other sizes are not real ones, so the name decides. */
function baichuanFormat(vocab: number, names: string): 'baichuan1' | 'baichuan2' {
  if (vocab === 64000) return 'baichuan1'
  if (vocab >= 125696) return 'baichuan2'
  return /baichuan-?2/.test(names) ? 'baichuan2' : 'baichuan1'
}

function isBase(names: string): boolean {
  return /\bbase\b/.test(names.replaceAll('_', ' '))
}

function withFacts(found: { format: BuiltinFormat } & Json): BuiltinChat {
  const { format, ...facts } = found
  // A length of 1e30 is how tokenizers say "none".
  const whole = Object.entries(facts).filter(([, value]) => Number.isSafeInteger(value) && Number(value) > 0)
  return { kind: 'builtin', format, ...(Object.fromEntries(whole) as Partial<BuiltinChat>) }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}
