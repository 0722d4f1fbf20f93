// This helper runs lanes on the embedded model over one SQLite, as objects that follow each other do.
// It dumps and restores all rows of that database too.

import { nodeKernels } from '../../cli/lib/kernels.ts'
import { fileSource } from '../../cli/lib/file-source.ts'
import type { GenerateRequest, GenerationEvent } from '../../src/protocol/generation.ts'
import { loadModel } from '../../src/graph/load-model.ts'
import { planMemory } from '../../src/graph/memory-layout.ts'
import { readModelText } from '../../src/lane/asset-source.ts'
import type { Lane, LaneConfig } from '../../src/lane/lane.ts'
import { LOGIT_ROWS, poolPages } from '../../src/lane/memory-plan.ts'
import type { Sql, SqlValue } from '../../src/storage/sql.ts'
import { decodeEvents } from '../../src/protocol/wire.ts'
import { weightBytes } from '../../src/weights/stream.ts'
import { laneOn, type MockLane } from './mock-lane.ts'
import { nodeSql } from './node-sql.ts'
import { TINY_FOLDER } from './real-model.ts'
import { request } from './request.ts'

/** Blobs are `{ base64 }`. */
type Cell = string | number | null | { base64: string }

/** All of a database: the statements that made it, and its rows by table. */
export type StoredRows = { schema: string[]; tables: Record<string, Record<string, Cell>[]> }

/** What an object said, by the code that wrote it. */
export type Told = { session: string; turn: string; ids: number[]; text: string }

export const NAMES = ['finished', 'paused', 'kept', 'background'] as const
export type Name = (typeof NAMES)[number]

/** rows.json: written at `commit`. `told` is each turn's whole answer, `left` what its reader had of it. */
export type StoredObject = StoredRows & { commit: string; left: Record<Name, Told>; told: Record<Name, Told> }

/** The window that the object is configured with: a memory reset has halved it. */
export const CONFIGURED = 256
export const HALVED = 128

/** When the object began, milliseconds since 1970; the one after it comes a minute later. */
const BEGAN = Date.UTC(2026, 10, 1)
export const LATER_MS = 60_000

const LONG = 'The keeper climbs the steps each evening, trims the lamp and writes the weather into a book. '

const chat = (content: string) => ({ kind: 'chat' as const, messages: [{ role: 'user', content }] })
const asked = (changes: Partial<GenerateRequest>): GenerateRequest =>
  request({ model: 'tiny', store: true, ignoreEos: true, ...changes })

/** One request for each kind of turn that an object may hold. */
export const REQUESTS: Record<Name, GenerateRequest> = {
  // Past the halved window, and sampled, so that going on needs the state of the random numbers too.
  finished: asked({ sessionKey: 'finished', prompt: chat(LONG.repeat(4)), maxTokens: 48 }),
  paused: asked({
    sessionKey: 'paused',
    prompt: { kind: 'text', text: LONG },
    maxTokens: 40,
    sampling: { ...request().sampling, temperature: 0.8, topP: 0.9, repetitionPenalty: 1.1, seed: 7 },
  }),
  kept: asked({
    sessionKey: 'kept',
    prompt: chat('What is the lamp for?'),
    conversation: chat('What is the lamp for?').messages,
    reply: { kept: true },
    maxTokens: 24,
  }),
  background: asked({
    sessionKey: 'background',
    prompt: chat('Who rings the bell?'),
    conversation: chat('Who rings the bell?').messages,
    background: true,
    maxTokens: 24,
  }),
}

export type ObjectOptions = {
  /** How long after the first object it begins. */
  afterMs?: number
  /** Its clock stands still: then no row is due before its turn ends, however slow the machine is. */
  isFrozen?: boolean
  config?: Partial<LaneConfig>
}

/** The next object on `sql`, in an isolate of its own; its ids begin with `name`. */
export function tinyLane(
  sql: Sql,
  name: string,
  { afterMs = 0, isFrozen = false, config = {} }: ObjectOptions = {},
) {
  const source = fileSource(TINY_FOLDER)
  const windows: (number | undefined)[] = []
  const began = performance.now()
  let ids = 0
  const storage = { id: 'lane', sql, newId: () => `${name}${++ids}`, wakeAt: () => undefined }
  const made = laneOn(storage, {
    config: { model: 'tiny', windows: [CONFIGURED], ...config },
    parts: {
      clock: {
        now: () => BEGAN + afterMs + (isFrozen ? 0 : Math.floor(performance.now() - began)),
        wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      },
      readText: () => readModelText(source),
      // As src/session/object.ts loads it.
      readModel({ manifest }, window, onProgress) {
        windows.push(window.window)
        const options = { window, chunk: 16, logitRows: LOGIT_ROWS }
        const pages = poolPages(planMemory(manifest.spec, weightBytes(manifest), options), 0)
        return loadModel(manifest, source, { ...options, pages, kernels: nodeKernels('quads'), onProgress })
      },
    },
  })
  return { lane: made.lane, logged: made.logged, loaded: windows }
}

/** All events of a turn that began before. */
export async function readOn(lane: Lane, id: string): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of decodeEvents(lane.resume('tenant', id))) events.push(event)
  return events
}

/** Until nobody drives a turn: what there is of it is stored then. */
export async function settled({ lane }: Pick<MockLane, 'lane'>): Promise<void> {
  while (lane.sessions.driven !== 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

export function dump(sql: Sql): StoredRows {
  const made = sql.exec('SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL').toArray()
  const tables = made.filter(({ type }) => type === 'table').map(({ name }) => String(name))
  const rowsOf = (table: string): Record<string, Cell>[] =>
    sql
      .exec(`SELECT * FROM ${table}`)
      .toArray()
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cellOf(value)])))
  return {
    schema: made.map((each) => String(each['sql'])),
    tables: Object.fromEntries(tables.map((table) => [table, rowsOf(table)])),
  }
}

/** A database with those rows. */
export function restored({ schema, tables }: StoredRows): Sql {
  const sql = nodeSql()
  for (const statement of schema) sql.exec(statement)
  for (const [table, rows] of Object.entries(tables)) {
    for (const row of rows) {
      const names = Object.keys(row)
      const marks = names.map(() => '?').join()
      sql.exec(`INSERT INTO ${table} (${names.join()}) VALUES (${marks})`, ...Object.values(row).map(valueOf))
    }
  }
  return sql
}

function cellOf(value: unknown): Cell {
  return value instanceof ArrayBuffer
    ? { base64: Buffer.from(value).toString('base64') }
    : (value as string | number | null)
}

function valueOf(cell: Cell): SqlValue {
  return typeof cell === 'object' && cell !== null
    ? Uint8Array.from(Buffer.from(cell.base64, 'base64'))
    : cell
}
