// A long prompt gives the host its turn while it is tokenised, a short one does not wait, and leaving ends it.

import { describe, expect, it } from 'vitest'
import type { GenerateRequest } from '../../src/protocol/generation.ts'
import { SLICE_UNITS } from '../../src/lib/sliced.ts'
import { prepare } from '../../src/lane/follow-turn.ts'
import type { TurnHost } from '../../src/lane/turn-host.ts'
import { byteTokenizer } from '../helpers/byte-tokenizer.ts'
import { mockManifest } from '../helpers/mock-lane.ts'
import { request } from '../helpers/request.ts'

/** A prompt of four slices is as long as one may be that shall be cut. */
const LIMIT = (4 * SLICE_UNITS) / 32

/** A host that counts its turns, and does something in the first. */
function counting(inFirst: () => void = () => undefined): { host: TurnHost; turns: () => number } {
  let turns = 0
  const host = {
    text: () => Promise.resolve({ manifest: mockManifest(), tokenizer: byteTokenizer() }),
    limits: () => ({ maxPrompt: LIMIT, maxPositions: Infinity }),
    clock: {
      now: () => 0,
      wait: () => {
        if (++turns === 1) inFirst()
        return Promise.resolve()
      },
    },
  }
  return { host: host as unknown as TurnHost, turns: () => turns }
}

const long = (changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  request({
    model: mockManifest().id,
    prompt: { kind: 'text', text: 'a'.repeat(4 * SLICE_UNITS) },
    truncation: 'auto',
    ...changes,
  })

describe('a prompt', () => {
  it('of one slice is ready without a turn of the host', async () => {
    const { host, turns } = counting()
    const short = long({ prompt: { kind: 'text', text: 'hi' } })
    expect((await prepare(short, host, new AbortController().signal))?.prompt.ids).toHaveLength(3)
    expect(turns()).toBe(0)
  })

  it('of more has turns of the host before it is cut', async () => {
    const { host, turns } = counting()
    const prepared = await prepare(long(), host, new AbortController().signal)
    expect(prepared?.prompt).toMatchObject({ truncatedTokens: 4 * SLICE_UNITS + 1 - LIMIT })
    expect(turns()).toBeGreaterThan(0)
  })

  it('that is far too long is refused in turns too', async () => {
    const { host, turns } = counting()
    const refused = prepare(long({ truncation: 'disabled' }), host, new AbortController().signal)
    await expect(refused).rejects.toMatchObject({ code: 'context_length_exceeded' })
    expect(turns()).toBeGreaterThan(0)
  })

  it('whose client leaves is not gone on with', async () => {
    const abort = new AbortController()
    const { host, turns } = counting(() => abort.abort())
    expect(await prepare(long(), host, abort.signal)).toBeUndefined()
    expect(turns()).toBe(1)
  })
})
