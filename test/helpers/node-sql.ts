// Node's own SQLite, in memory, stands in for that of a Durable Object.

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Sql } from '../../src/storage/sql.ts'

/** `onExec` sees each statement first, and may throw. */
export function nodeSql(onExec: (query: string) => void = () => undefined): Sql {
  const database = new DatabaseSync(':memory:')
  const prepared = new Map<string, StatementSync>()
  return {
    exec(query, ...values) {
      onExec(query)
      const statement = prepared.get(query) ?? database.prepare(query)
      prepared.set(query, statement)
      const bound = values.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value))
      const rows = statement.all(...bound) as Record<string, unknown>[]
      return { toArray: () => rows.map(asArrayBuffers) }
    },
  }
}

/** Blobs are ArrayBuffers in a Durable Object. */
function asArrayBuffers(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? value.slice().buffer : value,
    ]),
  )
}
