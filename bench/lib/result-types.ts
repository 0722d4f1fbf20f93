// The result files: what a mode writes and report/ reads. All raw values, times in seconds, sizes in bytes.

import type { StorageUse } from '../../src/protocol/lane-reports.ts'
import type { HeapUsage } from '../../tools/inspector.ts'
import type { Result } from './results.ts'
import type { Rounds } from './rounds.ts'

/** `same`: llama.cpp on the file that our model was packed from; `q4_0`: on its requantisation, the fast path. */
export const LLAMA_VARIANTS = ['same', 'q4_0'] as const
export type LlamaVariant = (typeof LLAMA_VARIANTS)[number]

export type LlamaAbout<Files extends LlamaVariant = LlamaVariant> = {
  release: string
  flashAttention: true
  kv: 'f16'
  /** The file's hash and its tensors by type. */
  files: Record<Files, { sha256: string; tensors: Record<string, number> }>
  /** The CPU variant that it loaded; [decode, batch]. */
  backend?: string
  threads?: number[]
  system?: string
}

/** The first format of each kind that its readers understand. */
export const FORMATS = {
  speed: 2,
  peers: 1,
  window: 1,
  sessions: 2,
  hosts: 1,
  memory: 2,
  cold: 1,
  'cold-slow': 1,
  warm: 1,
  kernels: 1,
  persist: 1,
  gaps: 1,
  gemma: 1,
} as const
export type Mode = keyof typeof FORMATS

/** Variants: ours, and llama.cpp's two. */
export type SpeedResult = Result & Rounds & { llama: LlamaAbout }

/** What the name of a wllama variant ends with where flash attention was asked for. */
export const FLASH = ', flash attention'

/** Variants: ours, and each wllama by its version, with flash attention and without. */
export type PeersResult = Result & Rounds & { chromium: string; ggufSha256: string }

/** Variants: node, chromium, workerd. */
export type HostsResult = Result & Rounds & { chromium: string; logitsSha256: Record<string, string> }

/** Variants: ours, and llama.cpp's two. Cases are of several sessions; of llama.cpp one is of a single sequence. */
export type SessionsResult = Result & Rounds & { linearMemoryBytes: number; llama: LlamaAbout }

/** Variants: ours in a Node of that version with these flags, and llama.cpp on the file. */
export type GemmaResult = Result & Rounds & { node: string; llama: LlamaAbout<'same'> }

/** Seconds for `tokens` tokens; pair i is near.seconds[i] and far.seconds[i], measured one after the other. */
export type WindowResult = Result & {
  window: number
  sinks: number
  tokens: number
  near: { position: number; seconds: number[] }
  far: { position: number; seconds: number[] }
}

export type MemoryResult = Result & {
  window: number
  limit: number
  /** The worst of `peaks`, one for each fresh process; linear, heap, held and samples are that run's. */
  peak: number
  peaks: number[]
  linear: number
  heap: HeapUsage
  /** Of the heap, after a last collection. */
  held: number
  samples: number[]
  /** The same with log probabilities, a schema and tools in use; `held` is of the heap. */
  featured: { peak: number; peaks: number[]; held: number }
  /** The search for the largest window whose peak stays within the limit; no peak = it was refused. */
  largest?: { window: number; tried: { window: number; peak?: number; peaks?: number[] }[] }
}

export type ColdResult = Result & { prompt: number; ratio: number; firstToken: number[]; streaming: number[] }

/** Over a link of `rate` bytes a second. `lastByte`: when the last byte of weights left it, in the run of that first token. */
export type SlowResult = Result & {
  prompt: number
  rate: number
  firstToken: number[]
  lastByte: number[]
  streaming: number[]
}

export type WarmResult = Result & {
  ratio: number
  turns: { seconds: number; newTokens: number; cachedTokens: number }[]
  alone: number[]
}

/** One kernel on one shape; `load` moves the same bytes and computes nothing, `dots` computes as much and loads nothing. */
export type KernelRow = {
  kernel: string
  /** Of assembly/: quads or relaxed. */
  build: string
  model: string
  shape: string
  rows: number
  cols: number
  /** Tokens of one call. */
  tokens: number
  /** Times that the shape occurs in the model. */
  count: number
  weightBytes: number
  dots: number
  /** Seconds a call, by sample. */
  seconds: number[]
  load: number[]
  dot: number[]
}

export type KernelsResult = Result & {
  tokens: number
  /** `checked`: every bound checked in code, as in workerd; `trapped`: by the memory's guard pages, as in Node. */
  checked: KernelRow[]
  trapped: KernelRow[]
}

/** One answer: decoding from its first token to its last, the longest wait between two tokens, and what storage did for the request. */
export type PersistTurn = { seconds: number; gap: number; firstToken: number; use: StorageUse }

/** Pair i is stored[i] and unstored[i], measured one after the other. */
export type PersistResult = Result & {
  prompt: number
  tokens: number
  stored: PersistTurn[]
  unstored: PersistTurn[]
  /** Prompts of so many positions: fresh ones, and ones whose pages are in storage alone, with one id more. */
  restore: {
    positions: number
    prefill: { firstToken: number; use: StorageUse }[]
    restored: { firstToken: number; use: StorageUse }[]
  }
}

/**
 * One prompt alone, and one beside an answer: seconds to its first token, and between the answer's chunks of text while it was
 * read and before that.
 */
export type GapsVisit = { alone: number; beside: number; gaps: number[]; usual: number[] }

/** Both requests have one key, or each its own. */
export type GapsCase = { keys: number; visits: GapsVisit[] }

export type GapsResult = Result & { window: number; prompt: number; decoding: number; cases: GapsCase[] }
