// Shared parts hold what a turn and its forks have in common, so that a copy costs what differs.
// They hold the text of a large turn from its beginning too, so that its row is short.

import type { Choice, TurnRecord } from './turn-record.ts'
import type { Ledger, TurnEntry, TurnId } from './ledger.ts'
import { bound, type Sql } from './sql.ts'

/** A smaller row is copied whole. */
const LEAST_BYTES = 8192

/** A field of more JSON than this is shared: ids, hashes and numbers stay in the row. */
const MOST_OWN = 256

/** In the place of a conversation that is kept here. It is no JSON: code that knows no parts cannot take it for one. */
export const CONVERSATION = 'shared'

/** In the place of a part's prompt that the turn's own row has. */
const NO_PROMPT = new Uint8Array(1)

/** How far an answer is, besides its ids. */
type State = Pick<Choice, 'cachedTokens' | 'closedEarly' | 'mu' | 'end'>

/** What a row keeps as JSON. */
export type Details = State &
  Pick<TurnRecord, 'request' | 'model' | 'echo' | 'more'> & {
    prompt: Omit<TurnRecord['prompt'], 'ids'>
    /** What was answered besides the first answer, with ids as numbers. */
    others?: (State & Pick<Choice, 'generated'>)[]
  }

type Json = Record<string, unknown>

export class SharedParts {
  /** In the place of a prompt that is shared: no ids would be NULL on some hosts. */
  readonly noPrompt = new Uint8Array(4)
  readonly #sql: Sql
  readonly #ledger: Ledger

  constructor(sql: Sql, ledger: Ledger) {
    this.#sql = sql
    this.#ledger = ledger
  }

  /**
   * The part that a stored turn shares, made now if there is none; undefined where the turn is small or gone.
   */
  of(id: TurnId): number | undefined {
    const entry = this.#ledger.entry(id)
    if (entry?.part !== undefined) this.#addIds(entry, entry.part)
    if (entry === undefined || entry.part !== undefined) return entry?.part
    const { session, turn } = id
    const [row] = this.#sql
      .exec(
        ...bound`SELECT prompt, generated, facts, coalesce(octet_length(conversation), 0) AS rest FROM turns
        WHERE session = ${session} AND turn = ${turn}`,
      )
      .toArray()
    if (row === undefined) return undefined
    const [prompt, generated, facts] = [
      row['prompt'] as ArrayBuffer,
      row['generated'] as ArrayBuffer | null,
      String(row['facts']),
    ]
    const whole = prompt.byteLength + (generated?.byteLength ?? 0) + facts.length
    if (whole < LEAST_BYTES) return undefined
    const [own, shared] = split(JSON.parse(facts) as Json)
    const text = JSON.stringify(shared)
    // Text is charged by its letters here: it was checked by its bytes, and is stored once.
    const bytes = prompt.byteLength + (generated?.byteLength ?? 0) + new TextEncoder().encode(text).length
    const [{ id: part }] = this.#sql
      .exec(
        ...bound`INSERT INTO shared_parts (tenant, refs, bytes, prompt, generated, facts)
        VALUES (${entry.tenant}, 1, ${bytes}, ${prompt}, ${generated}, ${text}) RETURNING id`,
      )
      .toArray()
    const rest = JSON.stringify({ ...own, shared: part })
    this.#sql.exec(
      ...bound`UPDATE turns SET prompt = ${this.noPrompt}, generated = NULL, facts = ${rest}
      WHERE session = ${session} AND turn = ${turn}`,
    )
    this.#ledger.totals.add(entry.tenant, bytes)
    this.#ledger.charge(entry, Math.max(0, entry.bytes - bytes), Number(part))
    return Number(part)
  }

  /** Keeps the large text of a turn whose row is about to be inserted; the part is its own until it is forked. */
  begin(record: TurnRecord): { part: number; bytes: number } {
    const [, shared] = split(detailsOf(record))
    const text = JSON.stringify({ ...shared, conversation: record.conversation })
    const bytes = NO_PROMPT.length + new TextEncoder().encode(text).length
    const { tenant } = record.request
    const { totals } = this.#ledger
    const [{ id }] = this.#sql
      .exec(
        ...bound`INSERT INTO shared_parts (tenant, refs, bytes, prompt, generated, facts)
        VALUES (${tenant}, 1, ${bytes}, ${NO_PROMPT}, NULL, ${text}) RETURNING id`,
      )
      .toArray()
    totals.add(tenant, bytes)
    return { part: Number(id), bytes }
  }

  /** A turn whose text alone is in its part is forked: now its ids go there too. */
  #addIds(entry: TurnEntry, part: number): void {
    const { session, turn, tenant } = entry
    const [row] = this.#sql
      .exec(
        ...bound`SELECT turns.prompt AS prompt, turns.generated AS generated FROM turns, shared_parts WHERE session = ${session} AND turn = ${turn}
        AND id = ${part} AND octet_length(shared_parts.prompt) = ${NO_PROMPT.length}`,
      )
      .toArray()
    if (row === undefined) return
    const [prompt, generated] = [row['prompt'] as ArrayBuffer, row['generated'] as ArrayBuffer | null]
    const moved = prompt.byteLength + (generated?.byteLength ?? 0)
    const bytes = moved - NO_PROMPT.length
    this.#sql.exec(
      ...bound`UPDATE shared_parts SET prompt = ${prompt}, generated = ${generated}, bytes = bytes + ${bytes} WHERE id = ${part}`,
    )
    this.#sql.exec(
      ...bound`UPDATE turns SET prompt = ${this.noPrompt}, generated = NULL WHERE session = ${session} AND turn = ${turn}`,
    )
    this.#ledger.totals.add(tenant, bytes)
    this.#ledger.charge(entry, Math.max(0, entry.bytes - moved + this.noPrompt.length), part)
  }

  /** The JSON of a row that shares this part. */
  ownDetails(record: TurnRecord, part: number): string {
    const [own] = split(detailsOf(record))
    return JSON.stringify({ ...own, shared: part })
  }

  /** Whether the shared answer has as many ids, and so is the same: an answer only grows. */
  hasGenerated(part: number, ids: number): boolean {
    const [row] = this.#sql
      .exec('SELECT octet_length(generated) AS bytes FROM shared_parts WHERE id = ?', part)
      .toArray()
    return ids > 0 && row?.['bytes'] === 4 * ids
  }

  /** The prompt of a row with `prompt` and `part`, the id of what it shares or null. */
  promptOf({ prompt, part: id }: Json): unknown {
    const isOwn = (prompt as ArrayBuffer).byteLength !== this.noPrompt.length
    if (id === null || isOwn) return prompt
    const [part] = this.#sql.exec('SELECT prompt FROM shared_parts WHERE id = ?', Number(id)).toArray()
    return partPrompt(part) ?? prompt
  }

  /** A row of `turns` with its ids; of what it shares no text is read. */
  outlined(row: Json): Json & { facts: Details } {
    const { shared: id = null, ...facts } = JSON.parse(String(row['facts'])) as Details & { shared?: number }
    const prompt = this.promptOf({ prompt: row['prompt'], part: id })
    const hasAnswer = row['generated'] !== null || id === null
    const [part] = hasAnswer
      ? []
      : this.#sql.exec('SELECT generated FROM shared_parts WHERE id = ?', id).toArray()
    return { ...row, prompt, generated: row['generated'] ?? part?.['generated'] ?? null, facts }
  }

  /** A row of `turns` with what it shares in its place. */
  joined(row: Json): Json & { facts: Details } {
    const own = JSON.parse(String(row['facts'])) as Details & { shared?: number }
    const { shared: id, ...facts } = own
    if (id === undefined) return { ...row, facts }
    const [part] = this.#sql
      .exec('SELECT prompt, generated, facts FROM shared_parts WHERE id = ?', id)
      .toArray()
    const shared = JSON.parse(String(part['facts'])) as Details & { conversation?: unknown }
    return {
      ...row,
      conversation: row['conversation'] === CONVERSATION ? shared.conversation : row['conversation'],
      prompt: partPrompt(part) ?? row['prompt'],
      generated: row['generated'] ?? part['generated'],
      facts: { ...shared, ...facts, request: { ...shared.request, ...facts.request } },
    }
  }
}

function partPrompt({ prompt }: Json): unknown {
  return (prompt as ArrayBuffer).byteLength === NO_PROMPT.length ? undefined : prompt
}

export function detailsOf(record: TurnRecord): Details {
  const { request, model, echo, more } = record
  const { ids: _, ...prompt } = record.prompt
  const others = record.others?.map((choice) => ({ ...stateOf(choice), generated: choice.generated }))
  const further = others && { others }
  return { request, model, echo, ...stateOf(record), prompt, ...(more && { more }), ...further }
}

function stateOf({ cachedTokens, closedEarly, mu, end }: Choice): State {
  return { cachedTokens, ...(closedEarly && { closedEarly }), ...(mu && { mu }), end }
}

/** The fields that stay in a row, and the large ones that never change, those of the request among them. */
function split({ request, model, cachedTokens, end, others, ...rest }: Json): [own: Json, shared: Json] {
  const [ownRest, sharedRest] = bySize(rest)
  const [ownRequest, sharedRequest] = bySize(request as Json)
  return [
    { ...ownRest, request: ownRequest, model, cachedTokens, end, ...(others !== undefined && { others }) },
    { ...sharedRest, request: sharedRequest },
  ]
}

function bySize(fields: Json): [small: Json, large: Json] {
  const small = Object.entries(fields).filter(([, value]) => sizeOf(value, MOST_OWN) <= MOST_OWN)
  const large = Object.entries(fields).filter(([, value]) => sizeOf(value, MOST_OWN) > MOST_OWN)
  return [Object.fromEntries(small), Object.fromEntries(large)]
}

/** About the length of a value's JSON, or something more than `most`: no more of it is looked at. */
function sizeOf(value: unknown, most: number): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 8
  let size = 2
  for (const [key, field] of Object.entries(value)) {
    size += key.length + sizeOf(field, most - size)
    if (size > most) break
  }
  return size
}
