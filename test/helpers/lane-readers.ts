// A lane's readers in tests: one that reads a turn on, and one that leaves in the middle.

import { expect, vi } from 'vitest'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { eventsOf, type MockLane } from './mock-lane.ts'

export async function readOn({ lane }: Pick<MockLane, 'lane'>, id: string): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.resume('tenant', id))) events.push(event)
  return events
}

/** Reads up to that many texts and leaves. */
export async function leaveAfter({ lane }: MockLane, texts: number, order: GenerateRequest) {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.generate(order))) {
    events.push(event)
    if (eventsOf(events, 'text').length === texts) break
  }
  await vi.waitFor(() => expect(lane.sessions.driven).toBe(0))
  return events
}
