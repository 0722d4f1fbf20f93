// A token request asks a lane for the ids of a text or of a prompt, or the text of ids; nothing is generated.

import type { GenerateRequest } from './generation.ts'

type Prompt = GenerateRequest['prompt']

export type TokenTask =
  /**
   * The ids of a text. `bos`: with what stands around every text of a completion; `names`: special tokens that are written
   * in it become those tokens; `pieces`: what each prints, too.
   */
  | { kind: 'encode'; text: string; bos: boolean; names: boolean; pieces: boolean }
  /** The text of ids, special tokens by their names. */
  | { kind: 'decode'; ids: number[] }
  /** A chat's prompt as text. `opening`: it ends with the beginning of the answer. */
  | { kind: 'render'; prompt: Extract<Prompt, { kind: 'chat' }>; opening: boolean }
  /** The number of a prompt's ids; nothing is cut. */
  | { kind: 'count'; prompt: Prompt }

/** Answered by `tokens` events (generation.ts), or an `error`. */
export type TokenRequest = Pick<
  GenerateRequest,
  'requestId' | 'tenant' | 'sessionKey' | 'model' | 'session' | 'places'
> & { task: TokenTask }
