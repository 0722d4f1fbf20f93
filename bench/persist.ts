// What storing costs while tokens come, and what it gives back: pairs of the same decode with `store` and without, in turns; then a
// thousand positions restored from storage by a worker that was started anew on the same state, beside their prefill.

import type { StorageUse } from '../src/protocol/lane-reports.ts'
import { noStorageUse } from '../src/storage/storage-use.ts'
import { PAGE_POSITIONS } from '../src/kernels/layout.ts'
import { promptIds } from './lib/cases.ts'
import { Client, type Streamed } from './lib/client.ts'
import { persistMeasures } from './lib/measures.ts'
import { MODEL, prepareModel } from './lib/model.ts'
import { FORMATS, type PersistResult, type PersistTurn } from './lib/result-types.ts'
import { describeMachine, median, printTable, writeResult } from './lib/results.ts'
import { BenchError } from './lib/setup.ts'
import { printMeasures } from './lib/verdicts.ts'
import { startIslet, stateFolder, untilHealthy, type Worker } from './lib/worker.ts'

const PROMPT = 256
/** Enough for several rows of pages, and checkpoints. */
const TOKENS = 256

/** Whole pages, and with one id more within the window. */
const POSITIONS = 63 * PAGE_POSITIONS
/** Of each kind, between two starts of the worker. */
const PROMPTS = 3

/** Prints medians and ratios, and writes results/persist.json. */
export async function persist({ pairs, rounds }: { pairs: number; rounds: number }): Promise<void> {
  const machine = await describeMachine()
  prepareModel()
  const result: PersistResult = {
    name: 'persist',
    format: FORMATS.persist,
    model: MODEL,
    machine,
    prompt: PROMPT,
    tokens: TOKENS,
    ...(await decodeInPairs(pairs)),
    restore: await restoreInRounds(rounds),
  }
  print(result)
  printMeasures(persistMeasures(result))
  writeResult(result)
}

async function decodeInPairs(pairs: number): Promise<Pick<PersistResult, 'stored' | 'unstored'>> {
  console.error(`${pairs} pairs`)
  const sides = { stored: [] as PersistTurn[], unstored: [] as PersistTurn[] }
  const worker = await startIslet()
  const client = new Client(worker.url)
  try {
    await untilHealthy(worker)
    let serial = 0
    for (let pair = -1; pair < pairs; pair++) {
      const order = ['stored', 'unstored'] as const
      for (const side of pair % 2 === 0 ? order : order.toReversed()) {
        const ids = promptIds(PROMPT, serial++)
        const { streamed, use } = await used(worker, () =>
          client.complete(MODEL, ids, TOKENS + 1, { store: side === 'stored' }),
        )
        const { arrivals } = streamed
        // Pair -1 warms up.
        if (pair < 0) continue
        if (streamed.usage.cachedTokens !== 0) throw new BenchError('a prompt was not fresh')
        if (side === 'stored' && use.runs === 0) throw new BenchError('nothing was stored')
        const gaps = arrivals.slice(1).map((at, i) => at - arrivals[i])
        sides[side].push({
          seconds: arrivals[arrivals.length - 1] - arrivals[0],
          gap: Math.max(...gaps),
          firstToken: arrivals[0],
          use,
        })
      }
    }
  } finally {
    client.close()
    await worker.stop()
  }
  return sides
}

/** The prompts that a worker fills storage with are restored by the next one. */
async function restoreInRounds(rounds: number): Promise<PersistResult['restore']> {
  const state = stateFolder()
  const prefill: PersistResult['restore']['prefill'] = []
  const restored: PersistResult['restore']['restored'] = []
  for (let round = 0; round <= rounds; round++) {
    console.error(`start ${round + 1} of ${rounds + 1}`)
    const worker = await startIslet({}, { state })
    const client = new Client(worker.url)
    try {
      await untilHealthy(worker)
      for (let i = 0; i < PROMPTS; i++) {
        const sides = [
          async () => {
            if (round > 0) restored.push(await firstOfRestored(worker, client, (round - 1) * PROMPTS + i))
          },
          async () => void prefill.push(await firstOfFresh(worker, client, round * PROMPTS + i)),
        ]
        for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side()
      }
    } finally {
      client.close()
      await worker.stop()
    }
  }
  return { positions: POSITIONS, prefill, restored }
}

async function firstOfFresh(
  worker: Worker,
  client: Client,
  serial: number,
): Promise<{ firstToken: number; use: StorageUse }> {
  const { streamed, use } = await used(worker, () => client.complete(MODEL, promptIds(POSITIONS, serial), 1))
  if (streamed.usage.cachedTokens !== 0) throw new BenchError('a prompt was not fresh')
  return { firstToken: streamed.arrivals[0], use }
}

async function firstOfRestored(
  worker: Worker,
  client: Client,
  serial: number,
): Promise<{ firstToken: number; use: StorageUse }> {
  const ids = promptIds(POSITIONS + 1, serial)
  const { streamed, use } = await used(worker, () => client.complete(MODEL, ids, 1))
  const { cachedTokens } = streamed.usage
  if (cachedTokens !== POSITIONS || use.pagesRestored !== POSITIONS / PAGE_POSITIONS) {
    throw new BenchError(
      `${cachedTokens} tokens were reused, ${use.pagesRestored} pages restored: expected ${POSITIONS} from storage`,
    )
  }
  return { firstToken: streamed.arrivals[0], use }
}

/** An answer, and what storage did for it. */
async function used(
  worker: Worker,
  answer: () => Promise<Streamed>,
): Promise<{ streamed: Streamed; use: StorageUse }> {
  const before = await storageUse(worker)
  const streamed = await answer()
  const after = await storageUse(worker)
  const use = noStorageUse()
  for (const name of Object.keys(use) as (keyof StorageUse)[]) use[name] = after[name] - before[name]
  return { streamed, use }
}

async function storageUse(worker: Worker): Promise<StorageUse> {
  const { storage } = await untilHealthy(worker)
  if (typeof storage !== 'object' || storage === null) throw new BenchError('GET /health has no storage')
  return storage as StorageUse
}

function print({ stored, unstored, restore }: PersistResult): void {
  const ms = (values: number[]): string => (median(values) * 1e3).toFixed(1)
  const of = (turns: readonly PersistTurn[]): string[] => [
    ms(turns.map(({ seconds }) => seconds)),
    ms(turns.map(({ gap }) => gap)),
    (Math.max(...turns.map(({ gap }) => gap)) * 1e3).toFixed(1),
    ms(turns.map(({ firstToken }) => firstToken)),
    median(turns.map(({ use }) => use.saveMs)).toFixed(1),
    String(median(turns.map(({ use }) => use.rowsWritten))),
    String(median(turns.map(({ use }) => use.rowsRead))),
  ]
  printTable(
    [
      'ms, medians',
      `${TOKENS} tokens`,
      'longest gap',
      'worst',
      'first token',
      'in saves',
      'rows written',
      'read',
    ],
    [
      ['store', ...of(stored)],
      ['no store', ...of(unstored)],
    ],
  )
  console.log('')
  const { prefill, restored } = restore
  printTable(
    [
      `ms, medians, ${POSITIONS} positions`,
      'first token',
      'finding',
      'restoring',
      'rows written',
      'read',
      'MB',
    ],
    [
      { name: 'prefill', all: prefill },
      { name: 'restored', all: restored },
    ].map(({ name, all }) => [
      name,
      ms(all.map(({ firstToken }) => firstToken)),
      median(all.map(({ use }) => use.findMs)).toFixed(1),
      median(all.map(({ use }) => use.restoreMs)).toFixed(1),
      String(median(all.map(({ use }) => use.rowsWritten))),
      String(median(all.map(({ use }) => use.rowsRead))),
      (median(all.map(({ use }) => use.runBytes)) / 1e6).toFixed(2),
    ]),
  )
}
