// A turn row holds a turn as SQLite has it, and is read into a turn record; ids are a blob of 32 bits each.

import type { Written } from '../protocol/written.ts'
import type { TurnState } from '../protocol/lane-reports.ts'
import type { Details } from './shared-parts.ts'
import { othersOf, type TurnRecord } from './turn-record.ts'

/** The record of a row that has what it shares in its place. */
export function recordOf(row: Record<string, unknown> & { facts: Details }): TurnRecord {
  const { prompt, others, ...details } = row.facts
  const conversation = row['conversation']
  const record: TurnRecord = {
    session: String(row['session']),
    turn: String(row['turn']),
    state: row['state'] as TurnState,
    createdAt: Number(row['created']),
    usedAt: Number(row['used']),
    expiresAt: Number(row['expires']),
    ...details,
    echo: details.echo,
    cachedTokens: details.cachedTokens,
    logprobs: [],
    end: details.end,
    prompt: { ...prompt, ids: idsOf(row['prompt']) },
    generated: idsOf(row['generated']),
    conversation:
      typeof conversation === 'string'
        ? (JSON.parse(conversation) as Written<object>[])
        : ((conversation ?? undefined) as Written<object>[] | undefined),
  }
  return others === undefined ? record : { ...record, ...othersOf(record, others) }
}

/** Ids as a blob; no ids are NULL, which some hosts make of an empty blob anyway. */
export function bytesOf(ids: readonly number[]): Uint8Array | null {
  if (ids.length === 0) return null
  return new Uint8Array(Uint32Array.from(ids).buffer)
}

function idsOf(blob: unknown): number[] {
  if (blob === null) return []
  const bytes = new Uint8Array(blob as ArrayBuffer)
  return [...new Uint32Array(bytes.slice().buffer)]
}
