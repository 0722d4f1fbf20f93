// Entering charges rows that the ledger does not know: those of older code, and runs whose writer was lost.

import { RUN_BYTES, type RunLedger } from './run-ledger.ts'
import { bound, type Sql } from './sql.ts'
import type { Totals } from './totals.ts'
import { TURN_BYTES, type TurnEntry } from './turn-entry.ts'

/** Rows of older code that are entered at a time. */
const BATCH = 256

/** Enters all turns, and the runs that they name, into a ledger that is empty. */
export function enterTurns(sql: Sql, ledger: { runs: RunLedger; inserted(entry: TurnEntry): void }): void {
  const known = new Set<number>()
  let [session, turn] = ['', '']
  for (;;) {
    const rows = sql
      .exec(
        ...bound`SELECT session, turn, tenant, used, runs, octet_length(prompt) + coalesce(octet_length(generated), 0) +
        octet_length(facts) + coalesce(octet_length(conversation), 0) + octet_length(runs) AS bytes,
        facts ->> '$.model' AS model, facts ->> '$.request.bodyHash' AS body, facts ->> '$.shared' AS part FROM turns
        WHERE (session, turn) > (${session}, ${turn}) ORDER BY session, turn LIMIT ${BATCH}`,
      )
      .toArray()
    for (const row of rows) {
      ;[session, turn] = [String(row['session']), String(row['turn'])]
      const tenant = String(row['tenant'])
      let run: number | undefined
      for (const id of JSON.parse(String(row['runs'])) as number[]) {
        if (!known.has(id)) {
          const [stored] = sql
            .exec('SELECT length(bytes) + length(names) AS bytes FROM kv_runs WHERE id = ?', id)
            .toArray()
          if (stored === undefined) break
          ledger.runs.written({ id, tenant, parent: run, bytes: Number(stored['bytes']) })
          known.add(id)
        }
        run = id
      }
      const [used, bytes] = [Number(row['used']), Number(row['bytes']) + TURN_BYTES]
      const [model, body] = [String(row['model']), String(row['body'])]
      const part = row['part'] === null ? undefined : Number(row['part'])
      ledger.inserted({ session, turn, tenant, used, bytes, run, part, model, body })
    }
    ledger.runs.enter()
    if (rows.length < BATCH) return
  }
}

/** Counts anew who shares each part; those that nobody does any more are deleted. */
export function enterParts(sql: Sql, totals: Totals): void {
  const counts = sql.exec('SELECT part, COUNT(*) AS refs FROM turn_use WHERE part IS NOT NULL GROUP BY part')
  const refs = new Map(counts.toArray().map((row) => [Number(row['part']), Number(row['refs'])]))
  for (const { id, tenant, bytes } of sql.exec('SELECT id, tenant, bytes FROM shared_parts').toArray()) {
    const count = refs.get(Number(id))
    if (count === undefined) {
      sql.exec('DELETE FROM shared_parts WHERE id = ?', Number(id))
      continue
    }
    sql.exec('UPDATE shared_parts SET refs = ? WHERE id = ?', count, Number(id))
    totals.add(String(tenant), Number(bytes))
  }
}

/**
 * Runs that an object wrote and had not entered when it was lost belong to nobody: they go with the next
 * sweep. `listed`: the runs that it may be; all rows are looked through where there is no list.
 */
export function enterStrays(sql: Sql, totals: Totals, listed: readonly number[] | undefined): void {
  if (listed?.length === 0) return
  const select = `INSERT INTO run_use (id, tenant, parent, refs, bytes, freed)
    SELECT id, '', NULL, 0, length(bytes) + length(names) + ${RUN_BYTES}, 0 FROM kv_runs
    WHERE id NOT IN (SELECT id FROM run_use)`
  const strays =
    listed === undefined
      ? sql.exec(`${select} RETURNING bytes`)
      : sql.exec(
          `${select} AND id IN (SELECT value FROM json_each(?)) RETURNING bytes`,
          JSON.stringify(listed),
        )
  for (const { bytes } of strays.toArray()) totals.add('', Number(bytes))
}
