// The window store keeps the windows that a lane fell back to where a restart finds them.

import type { Sql } from './sql.ts'

/**
 * `configured` is the setting that `windows` replaced, as text: when it changes, what is stored no longer
 * counts.
 */
export type StoredWindow = { configured: string; windows: readonly number[]; note: string }

export interface WindowStore {
  read(): StoredWindow | undefined
  write(value: StoredWindow): void
}

const LEAST = 128

/** Half of each window, or another part; one of 128 or less stays as it is. */
export function halvedWindows(windows: readonly number[], part = 0.5): number[] {
  return windows.map((window) => Math.max(Math.min(LEAST, window), Math.floor(window * part)))
}

/** Keeps the one value in SQLite, and in memory for the reads. */
export function sqlWindowStore(sql: Sql): WindowStore {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS fallback_window (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL)',
  )
  const row = sql.exec('SELECT value FROM fallback_window').toArray()[0]
  let current = row === undefined ? undefined : (JSON.parse(String(row['value'])) as StoredWindow)
  return {
    read: () => current,
    write(value) {
      current = value
      sql.exec('INSERT OR REPLACE INTO fallback_window (id, value) VALUES (0, ?)', JSON.stringify(value))
    },
  }
}
