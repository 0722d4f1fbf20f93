// A plain request asks for nothing particular: who asks, where, and for what is put beside it.

import { DEFAULT_SAMPLING, type GenerateRequest } from './generation.ts'

export const PLAIN_REQUEST = {
  stop: [],
  ignoreEos: false,
  sampling: DEFAULT_SAMPLING,
  topLogprobs: undefined,
  truncation: 'disabled',
  echo: false,
  hashLogits: false,
  bodyHash: '',
  retry: false,
  background: false,
} satisfies Partial<GenerateRequest>
