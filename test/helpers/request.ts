// A request with neutral settings, for tests to change.

import { DEFAULT_SAMPLING, type GenerateRequest } from '../../src/protocol/generation.ts'

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
    sampling: { ...DEFAULT_SAMPLING, temperature: 0, seed: 1 },
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
