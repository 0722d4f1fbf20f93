// A request with neutral settings, for tests to change.

import type { GenerateRequest } from '../../src/protocol/generation.ts'

export function request(changes: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    requestId: 'test',
    tenant: 'tenant',
    sessionKey: 'session',
    model: 'mock',
    prompt: { kind: 'text', text: 'Hello' },
    maxTokens: 8,
    stop: [],
    ignoreEos: false,
    sampling: {
      temperature: 0,
      topK: 0,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
      presencePenalty: 0,
      frequencyPenalty: 0,
      seed: 1,
      logitBias: [],
    },
    topLogprobs: undefined,
    truncation: 'disabled',
    echo: false,
    hashLogits: false,
    store: false,
    bodyHash: '',
    retry: false,
    background: false,
    reply: null,
    ...changes,
  }
}
