// What of a Durable Object's SQLite is used. Calls are synchronous; writes are durable before anything that was said after them leaves the object.

export type SqlValue = string | number | null | ArrayBuffer | Uint8Array

export type Sql = {
  exec(
    query: string,
    ...values: SqlValue[]
  ): {
    toArray(): Record<string, unknown>[]
    /** As billed, once all rows were read; not every host counts. */
    readonly rowsRead?: number
    readonly rowsWritten?: number
  }
}
