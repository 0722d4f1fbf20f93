// Cost is what a million tokens take of the platform: measured time, rows and bytes at the platform's prices.
// What is assumed beside them is said below the table.

import {
  LLAMA_VARIANTS,
  type ColdResult,
  type PersistResult,
  type PersistTurn,
  type SessionsResult,
  type SpeedResult,
} from '../../bench/lib/result-types.ts'
import { parseCase } from '../../bench/lib/cases.ts'
import { median } from '../../bench/lib/results.ts'
import { BILLED_GB, MONTH_SECONDS, PRICES } from '../../bench/lib/prices.ts'
import { caseNames, speed } from '../../bench/lib/rounds.ts'
import { readConfig } from '../../src/env.ts'
import { caseText } from './bench-words.ts'
import { table } from '../../tools/markdown.ts'

/** A chat with a person: every turn finds its object gone, since one that is idle is evicted within seconds. */
const CHAT = { turns: 10, pauseSeconds: 60, newTokens: 64 } as const

/** Alarms that come after a chat: its pages' time is over, then its own. All but the last set the next. */
const LATE_ALARMS = 2

/** An object stays awake for so long after an answer: a lane's last look for what is to be written. */
const AFTERWARDS_SECONDS = 0.25

/** What one turn uses. */
export type TurnUse = {
  seconds: number
  /** Those of deleting what is stored too, and alarms that were set. */
  rowsWritten: number
  rowsRead: number
  /** Each that comes is a request of the object. */
  alarms: number
  /** Bytes times the seconds that they are kept. */
  byteSeconds: number
}

export type Dollars = { duration: number; rows: number; storage: number; requests: number; total: number }

/** $ for a million tokens at this many tokens a second. */
export function dollarsPerMillion(tokensPerSecond: number): number {
  return (1e6 / tokensPerSecond) * BILLED_GB * PRICES.gigabyteSecond
}

/** $ of one turn, by what is billed. */
export function dollarsOf({ seconds, rowsWritten, rowsRead, alarms, byteSeconds }: TurnUse): Dollars {
  const duration = seconds * BILLED_GB * PRICES.gigabyteSecond
  const rows = rowsWritten * PRICES.rowWritten + rowsRead * PRICES.rowRead
  const storage = (byteSeconds / 1e9 / MONTH_SECONDS) * PRICES.gigabyteMonth
  const requests = PRICES.workerRequest + (1 + alarms) * PRICES.objectRequest
  return { duration, rows, storage, requests, total: duration + rows + storage + requests }
}

/** A row for each case of the speed benchmark, and one for sessions that share an object where that was measured. */
export function costTable({ runs }: SpeedResult, sessions: SessionsResult | undefined): string {
  const cases = caseNames(runs).flatMap((name) => row(caseText(name), speed(runs, 'ours', name)))
  const together = caseNames(sessions?.runs.filter(({ variant }) => !isLlama(variant)) ?? []).flatMap(
    (name) =>
      row(
        `decode, ${parseCase(name).sequences} sessions together`,
        speed(sessions?.runs ?? [], 'ours', name),
      ),
  )
  return [
    table(['', 'tokens a second', '$ for a million tokens'], [...cases, ...together]),
    '',
    `An object is billed for the time that it is awake, at ${BILLED_GB * 1e3} MB whatever it uses: $${(PRICES.gigabyteSecond * 1e6).toFixed(2)} for a million GB-s.`,
    "Requests and stored rows come on top, and the platform's machines are not this one.",
  ].join('\n')
}

/** What whole turns cost, stored and not: a lane that is never idle, and a chat whose every turn is cold. */
export function turnCostTable(persist: PersistResult, cold: ColdResult): string {
  const turns: [string, TurnUse][] = [
    ['busy lane, stored', busyTurn(persist, true)],
    ['busy lane, not stored', busyTurn(persist, false)],
    ['chat with pauses, stored', chatTurn(persist, cold, true)],
    ['chat with pauses, not stored', chatTurn(persist, cold, false)],
  ]
  const { tokens, prompt } = persist
  const perMillion = (dollars: number): string => ((dollars * 1e6) / tokens).toFixed(4)
  const rows = turns.map(([label, use]) => {
    const { duration, rows, storage, requests, total } = dollarsOf(use)
    return [
      label,
      use.seconds.toFixed(2),
      use.rowsWritten.toFixed(1),
      ...[duration, rows, storage, requests, total].map(perMillion),
    ]
  })
  const header = ['', 'seconds a turn', 'rows written', 'duration', 'rows', 'storage', 'requests', '$ in all']
  const second = dollarsOf({ seconds: 1, rowsWritten: 0, rowsRead: 0, alarms: 0, byteSeconds: 0 }).duration
  const history = persist.restore.positions
  return [
    table(header, rows),
    '',
    `In $ for a million tokens answered, ${tokens} of them a turn. Measured: seconds, rows and bytes of a turn, reading the weights, prefill and restoring.`,
    `A busy lane answers one prompt of ${prompt} tokens after the other. In the chat each turn reads the weights, has ${history} tokens of history, restored or`,
    `prefilled, and ${CHAT.newTokens} new ones; ${CHAT.turns} turns with ${CHAT.pauseSeconds} s between them, and an object that stays awake ${AFTERWARDS_SECONDS} s after each. Decoding is taken as`,
    `at ${prompt} positions. Pages are kept for ${lifetime()} s after they were last used (\`KV_TTL\`), then deleted, which counts as writing their rows once`,
    `more. A cold turn sets an alarm; ${LATE_ALARMS} come after a chat, each taken to last as long as reading the weights.`,
    `Each second that reading the weights takes longer than here adds $${perMillion(second)} to a chat.`,
    '',
    `Prices: $${(PRICES.gigabyteSecond * 1e6).toFixed(2)} for a million GB-s at ${BILLED_GB * 1e3} MB; rows $${(PRICES.rowWritten * 1e6).toFixed(2)} a million written, those of indexes and alarms too, $${(PRICES.rowRead * 1e6).toFixed(3)} read;`,
    `storage $${PRICES.gigabyteMonth.toFixed(2)} a GB-month; requests $${(PRICES.workerRequest * 1e6).toFixed(2)} a million to the worker, $${(PRICES.objectRequest * 1e6).toFixed(2)} to an object. What a plan includes is not taken off.`,
  ].join('\n')
}

/** A turn as it was measured, with no pause before the next one. */
export function busyTurn({ stored, unstored }: PersistResult, store: boolean): TurnUse {
  const turns = store ? stored : unstored
  const seconds = median(turns.map((turn) => turn.firstToken + turn.seconds))
  if (!store) return { seconds, rowsWritten: 0, rowsRead: 0, alarms: 0, byteSeconds: 0 }
  return {
    seconds,
    rowsWritten: of(turns, ({ rowsWritten }) => rowsWritten) + deletedRows(of(turns, ({ runs }) => runs)),
    rowsRead: of(turns, ({ rowsRead }) => rowsRead),
    alarms: 0,
    byteSeconds: of(turns, ({ runBytes }) => runBytes) * lifetime(),
  }
}

/** A turn of CHAT. */
export function chatTurn(persist: PersistResult, cold: ColdResult, store: boolean): TurnUse {
  const { stored, unstored, prompt, tokens, restore } = persist
  const { positions, prefill, restored } = restore
  const prefilled = median(prefill.map(({ firstToken }) => firstToken))
  const prefillOf = (count: number): number => (count * prefilled) / positions
  const loading = median(cold.firstToken) - prefillOf(cold.prompt)
  const decoding = median((store ? stored : unstored).map(({ seconds }) => seconds))
  const history = store ? median(restored.map(({ firstToken }) => firstToken)) : prefilled
  const seconds = loading + history + prefillOf(CHAT.newTokens) + decoding + AFTERWARDS_SECONDS
  if (!store) return { seconds, rowsWritten: 0, rowsRead: 0, alarms: 0, byteSeconds: 0 }
  const added = CHAT.newTokens + tokens
  const fresh = of(stored, (use) => use.runs)
  const runs = (fresh * added) / (prompt + tokens)
  // Rows of the turn itself are as many whatever its length.
  const turnRows = of(stored, (use) => use.rowsWritten) - fresh
  const alarms = LATE_ALARMS / CHAT.turns
  const alarmsSet = 1 + (LATE_ALARMS - 1) / CHAT.turns
  const bytes = of(stored, ({ runBytes }) => runBytes) / (prompt + tokens)
  return {
    // At most: an alarm reads the words of the model, and not its weights.
    seconds: seconds + alarms * loading,
    rowsWritten: turnRows + runs + deletedRows(runs) + alarmsSet,
    rowsRead: of(restored, ({ rowsRead }) => rowsRead) + of(stored, ({ rowsRead }) => rowsRead),
    alarms,
    byteSeconds: bytes * (positions + added) * (CHAT.pauseSeconds + lifetime() / CHAT.turns),
  }
}

/** Rows that deleting a turn and its runs of pages counts as written. */
function deletedRows(runs: number): number {
  return 1 + runs
}

function of(
  turns: readonly { use: PersistTurn['use'] }[],
  what: (use: PersistTurn['use']) => number,
): number {
  return median(turns.map(({ use }) => what(use)))
}

/** Seconds that pages are kept, unless the deployment says otherwise. */
function lifetime(): number {
  return readConfig({}).lane.lifetimes.pages / 1e3
}

function row(label: string, tokensPerSecond: number | undefined): string[][] {
  if (tokensPerSecond === undefined) return []
  return [[label, tokensPerSecond.toFixed(1), dollarsPerMillion(tokensPerSecond).toFixed(4)]]
}

function isLlama(variant: string): boolean {
  return (LLAMA_VARIANTS as readonly string[]).includes(variant)
}
