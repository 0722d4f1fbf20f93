// A record says what its turn runs and whose it is: the engine is asked for that ahead, and for the answer.

import type { TurnOptions } from '../engine/turn.ts'
import type { Vault } from '../engine/vault.ts'
import { isStored, type Choice } from '../storage/turn-record.ts'

export type WhatRuns = Omit<TurnOptions, 'maxTokens' | 'choose'>

/** `background`: nobody waits for it. */
export function whatRuns(record: Choice, vault: Vault | undefined, background: boolean): WhatRuns {
  const { request, prompt, generated, session } = record
  return {
    tenant: request.tenant,
    prompt: prompt.ids,
    generated,
    owner: vault,
    background,
    ...(isStored(record) && { vault, session }),
  }
}
