// Sql is the part of a Durable Object's SQLite that a lane uses.
// Calls are synchronous; writes are durable before anything that was said after them leaves the object.

export type SqlValue = string | number | null | ArrayBuffer | Uint8Array

export type SqlCursor = {
  toArray(): Record<string, unknown>[]
  /** As billed, once all rows were read; not every host counts. */
  readonly rowsRead?: number
  readonly rowsWritten?: number
}

export type Sql = {
  exec(query: string, ...values: SqlValue[]): SqlCursor
}

/** A statement with its values in place, for `exec`: each `${value}` of the template is bound to a `?`. */
export function bound(text: TemplateStringsArray, ...values: SqlValue[]): [query: string, ...SqlValue[]] {
  return [text.join('?'), ...values]
}

/** Inserts one row, its values beside the names of their columns. */
export function insertRow(
  sql: Sql,
  verb: `INSERT${string} INTO ${string}`,
  row: Record<string, SqlValue>,
): void {
  const marks = Object.keys(row).map(() => '?')
  sql.exec(`${verb} (${Object.keys(row).join(', ')}) VALUES (${marks.join(', ')})`, ...Object.values(row))
}
