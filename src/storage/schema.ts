// The schema makes a lane's tables: turns, page runs, and the ledger of who stores what.
// The ledger's tables are made when they are first used. Rows that older code has written are entered then,
// once for each object, and again where older code has written beside a ledger.

import type { Sql } from './sql.ts'

/** Rows of another version are deleted when the object starts. */
export const TURN_VERSION = 2
export const RUN_VERSION = 1

/** What the ledger was made for: another text, and it is made anew of the rows. */
const VERSIONS = `turns ${TURN_VERSION}, runs ${RUN_VERSION}, ledger 1`

/** What is made anew of the rows; shared parts stay, since nothing else has what they hold. */
const LEDGER = ['ledger', 'session_use', 'turn_use', 'run_use']

const LEDGER_SCHEMA = [
  // A session of a tenant, and when it was last used.
  'CREATE TABLE session_use (session TEXT PRIMARY KEY, tenant TEXT NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID',
  'CREATE INDEX session_by_use ON session_use (tenant, used DESC, session)',
  // A turn: the bytes it is charged, the last run that holds its pages, the part it shares with forks, and
  // what of its facts a request is compared with, since to find these in a megabyte of JSON takes
  // milliseconds.
  'CREATE TABLE turn_use (session TEXT NOT NULL, turn TEXT NOT NULL, tenant TEXT NOT NULL, used INTEGER NOT NULL, ' +
    'bytes INTEGER NOT NULL, run INTEGER, part INTEGER, model TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (session, turn)) WITHOUT ROWID',
  'CREATE INDEX turn_with_pages ON turn_use (tenant, used) WHERE run IS NOT NULL',
  // A run: `refs` counts the turns that end in it and the runs that go on from it.
  'CREATE TABLE run_use (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, parent INTEGER, refs INTEGER NOT NULL, ' +
    'bytes INTEGER NOT NULL, freed INTEGER NOT NULL)',
  // The queue of runs that nothing needs any more.
  'CREATE INDEX run_to_delete ON run_use (freed) WHERE refs = 0',
  // What a turn and its forks have in common, as long as one of them is there.
  'CREATE TABLE IF NOT EXISTS shared_parts (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, refs INTEGER NOT NULL, bytes INTEGER NOT NULL, ' +
    'prompt BLOB NOT NULL, generated BLOB, facts TEXT NOT NULL)',
  // Turns in the orders in which they are looked for: no query reads more rows than it gives.
  'CREATE INDEX IF NOT EXISTS turns_by_age ON turns (tenant, key, created)',
  'CREATE INDEX IF NOT EXISTS turns_of_session ON turns (session, created)',
  'CREATE INDEX IF NOT EXISTS turns_by_expiry ON turns (expires)',
  "CREATE INDEX IF NOT EXISTS turns_unfinished ON turns (session) WHERE background = 1 AND state = 'running'",
  'DROP INDEX IF EXISTS turns_by_key',
  // `entering`: ids of runs that were written and may not be entered yet.
  'CREATE TABLE ledger (versions TEXT NOT NULL, entering TEXT)',
]

/** `stale`: of another version, or older code has written beside it. */
export type LedgerState = 'none' | 'stale' | 'current'

/** `entering`: runs that may not be entered yet; undefined where nobody has listed them. */
export type OpenedLedger = { was: LedgerState; entering: number[] | undefined }

/** Older code makes the index `turns_by_key` whenever it starts, and no ledger has it. */
function ledgerState(sql: Sql): OpenedLedger {
  const made = sql.exec("SELECT name FROM sqlite_master WHERE name IN ('ledger', 'turns_by_key')").toArray()
  if (!made.some(({ name }) => name === 'ledger')) return { was: 'none', entering: undefined }
  const [row] = sql.exec('SELECT * FROM ledger').toArray()
  if (made.length > 1 || row?.['versions'] !== VERSIONS) return { was: 'stale', entering: undefined }
  return { was: 'current', entering: listedIds(row['entering'] as string | null | undefined) }
}

function listedIds(json: string | null | undefined): number[] | undefined {
  return json === undefined ? undefined : (JSON.parse(json ?? '[]') as number[])
}

/** Makes the tables of turns and runs. Beside a ledger of this code no row needs to be looked at. */
export function openTables(sql: Sql): void {
  if (ledgerState(sql).was === 'current') return
  sql.exec(
    'CREATE TABLE IF NOT EXISTS turns (session TEXT NOT NULL, turn TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT NOT NULL, ' +
      'key TEXT NOT NULL, state TEXT NOT NULL, background INTEGER NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL, ' +
      'expires INTEGER NOT NULL, runs TEXT NOT NULL, prompt BLOB NOT NULL, generated BLOB, facts TEXT NOT NULL, ' +
      'conversation TEXT, PRIMARY KEY (session, turn)) WITHOUT ROWID',
  )
  sql.exec('CREATE INDEX IF NOT EXISTS turns_by_key ON turns (tenant, key)')
  sql.exec('DELETE FROM turns WHERE version <> ?', TURN_VERSION)
  sql.exec(
    // The key is a number: to compare a key of text SQLite reads the whole row that it is in, all its bytes.
    'CREATE TABLE IF NOT EXISTS kv_runs (id INTEGER PRIMARY KEY, head TEXT NOT NULL, version INTEGER NOT NULL, ' +
      'count INTEGER NOT NULL, names TEXT NOT NULL, checksum TEXT NOT NULL, bytes BLOB NOT NULL)',
  )
  sql.exec('DELETE FROM kv_runs WHERE version <> ?', RUN_VERSION)
}

/** Gives the ledger as it was; where it was not of this code, its tables are made, empty. */
export function openLedger(sql: Sql): OpenedLedger {
  const opened = ledgerState(sql)
  if (opened.was === 'current') {
    if (opened.entering === undefined) sql.exec('ALTER TABLE ledger ADD COLUMN entering TEXT')
    return opened
  }
  if (opened.was === 'stale') for (const table of LEDGER) sql.exec(`DROP TABLE IF EXISTS ${table}`)
  for (const statement of LEDGER_SCHEMA) sql.exec(statement)
  sql.exec('INSERT INTO ledger (versions) VALUES (?)', VERSIONS)
  return opened
}
