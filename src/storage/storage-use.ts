// Storage use counts what a lane's storage has done since its object began: rows as billed, and time.

import type { StorageUse } from '../protocol/lane-reports.ts'
import type { Sql } from './sql.ts'

export function noStorageUse(): StorageUse {
  return {
    rowsRead: 0,
    rowsWritten: 0,
    alarms: 0,
    runs: 0,
    runBytes: 0,
    pagesRestored: 0,
    saveMs: 0,
    findMs: 0,
    restoreMs: 0,
  }
}

/** `sql`, with its rows counted. */
export function countedSql(sql: Sql, use: StorageUse): Sql {
  return {
    exec(query, ...values) {
      const cursor = sql.exec(query, ...values)
      let [read, written] = [0, 0]
      const count = (): void => {
        const { rowsRead = 0, rowsWritten = 0 } = cursor
        use.rowsRead += rowsRead - read
        use.rowsWritten += rowsWritten - written
        ;[read, written] = [rowsRead, rowsWritten]
      }
      count()
      return {
        toArray() {
          const rows = cursor.toArray()
          count()
          return rows
        },
      }
    },
  }
}

/** Does `work`, its time added to one of the sums. */
export function timed<T>(use: StorageUse, sum: 'saveMs' | 'findMs' | 'restoreMs', work: () => T): T {
  const start = performance.now()
  try {
    return work()
  } finally {
    use[sum] += performance.now() - start
  }
}
