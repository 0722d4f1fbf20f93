// The manifest (manifest.json) says what the edge needs to know before the first byte of weights.

import type { StoredKind } from '../kernels/layout.ts'
import type { ModelSpec } from '../models/spec.ts'
import type { Recommended } from '../protocol/lane-reports.ts'
import type { LayerRange } from './layer-range.ts'

export type TensorEntry = {
  name: string // e.g. `layers.0.q`, `embedding`, `final_norm`
  kind: StoredKind
  rows: number // 1 for vectors
  cols: number
  /** Byte offset from the start of the weights (all shards joined), a multiple of 64; and length. */
  offset: number
  length: number
  /** What it was in the source file, for `inspect`. */
  source: string
  /** Of rows that were cut out of a table: whether the head refines their products (graph/head.ts). Absent: as its kinds tell. */
  refined?: boolean
}

/** What one stage of a chain has of the model: its range, and the bytes of its weights. */
export type StageShare = { range: LayerRange; weightBytes: number }

/** Of a model that is cut into stages: all of them, the lane's own first, and which one this folder is. */
export type StageCut = { index: number; shares: StageShare[] }

export const TOKENIZER_FILE = 'tokenizer.bin'

export type PackedFile = { file: string; length: number; sha256: string }

/** A slice of the weights; the checksum (lib/checksum.ts) is what is checked while they stream in. */
export type Shard = PackedFile & { checksum: string }

/** KV pages of the ids that every chat without a system message begins with (weights/packed-prefix.ts). */
export type PackedPrefix = Shard & {
  /** PREFIX_VERSION of the program that computed it. */
  version: number
  ids: number[]
  kv: 'q8' | 'f32'
  /** The file is whole pages of so many bytes, as `readPage` gives them. */
  pageBytes: number
}

/**
 * Chat formats that families shipped as code instead of a template: chat/formats/ has one file for each kind.
 */
export const BUILTIN_FORMATS = [
  'llama2',
  'baichuan1',
  'baichuan2',
  'chatglm1',
  'chatglm2',
  'chatglm3',
  'qwen1',
  'qwen1-react',
] as const

export type BuiltinFormat = (typeof BUILTIN_FORMATS)[number]

/** A built-in format, with what the checkpoint's own files say about it. */
export type BuiltinChat = {
  kind: 'builtin'
  format: BuiltinFormat
  /** Ids of the marks before a user's and an assistant's text (Baichuan). */
  userId?: number
  assistantId?: number
  /** Limits that the original cuts a conversation to; used only where a caller asks for cutting. */
  maxLength?: number
  maxNewTokens?: number
}

/** A checkpoint's own template, and the one it has for chats with functions, if that is another. */
export type TemplateChat = { kind: 'jinja'; template: string; toolTemplate?: string }

/** A fact for the tokenizer that is not in tokenizer.bin belongs there, not here. */
export type ChatFormat = TemplateChat | BuiltinChat | { kind: 'none' }

/**
 * How the last states of a text's tokens become its vector: their mean, the same without the first token's, which a
 * decoder uses as a sink, or that of the last token.
 */
export const POOLINGS = ['mean', 'mean_without_first', 'last'] as const

export type Pooling = (typeof POOLINGS)[number]

/** What is left of a larger vocabulary, whose ids these are in their order (packing/vocabulary). */
export type TrimmedVocabulary = {
  /** SHA-256 of the weights' files that it was cut from, one behind the other. */
  parent: string
  /** Ids that these have. */
  of: number
  /** Which texts chose the ids: their name. */
  profile: string
  /** What it costs on these texts. */
  lost: TrimmingLoss
}

/** Of texts: their tokens by the whole vocabulary, how many of them have no id any more, and how many more it takes now. */
export type TrimmingLoss = { tokens: number; gone: number; more: number }

/** Raised when kernels would read packed tensors otherwise (kernels/layout.ts). */
export const MANIFEST_VERSION = 2

export type Manifest = {
  format: 'islet'
  version: typeof MANIFEST_VERSION
  /** The model's id in the API, lower case. */
  id: string
  spec: ModelSpec
  tensors: TensorEntry[]
  shards: Shard[] // at most 24 MiB each
  tokenizer: PackedFile
  chat: ChatFormat
  /** Absent where chats share less than a page, and in older packs: then it is computed like any prompt. */
  prefix?: PackedPrefix
  /** Of a model whose vectors are worth something: trained for it, or measured (docs/embeddings.md). */
  embedding?: { pooling: Pooling }
  /** True when the checkpoint held floats and packing kept them: the CLI then keeps KV in f32 by default. */
  float: boolean
  /** SHA-256 over spec, tensors and the shards' SHA-256: names the weights wherever KV is kept. */
  hash: string
  license?: string
  /** Of a model that was packed with a part of its vocabulary. */
  vocabulary?: TrimmedVocabulary
  /** Of a folder of one stage: tensors and shards are its own, all else is the model's. */
  stage?: StageCut
  /** Values of sampling fields for requests that leave them out; absent: none. No part of what names weights or turns. */
  sampling?: Recommended
  /** Version of the packing rules that made it; a program with newer ones packs again. */
  packer?: number
}
