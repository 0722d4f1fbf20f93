// This file cuts models into stages for commands, and says what each stage holds.

import { windowOptions } from '../../src/cache/window.ts'
import { CHAIN_LOGIT_ROWS } from '../../src/graph/chain-memory.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import { cutModel, sharesIn } from '../../src/packing/cut.ts'
import { planStages, type PlannedShare, type StageCount } from '../../src/packing/plan-stages.ts'
import type { PlanSettings } from '../../src/packing/stage-memory.ts'
import { tableRows, type LayerRange } from '../../src/weights/layer-range.ts'
import type { StageShare } from '../../src/weights/manifest.ts'
import { planWindow } from './memory-table.ts'
import { readManifest } from './model.ts'
import { windowList, wholeNumber } from './options.ts'
import { megabytes } from './progress.ts'
import { columns } from './tensor-table.ts'

/** As in wrangler.toml. */
const DEFAULTS = { window: '1024', sinks: '4', chunk: '32' }

/** The value of `--stages`. */
export function stageCount(text: string): StageCount {
  if (text === 'auto') return text
  if (/^\d+$/.test(text)) return Number(text)
  throw new IsletError('invalid_request', `--stages ${text}: give a number of scripts, or auto`, {
    param: '--stages',
  })
}

/** What a lane is configured to, as options and variables say it. */
export type StageValues = { window?: string; sinks?: string; chunk?: string }

/** The plan of a lane with these values. */
export function stageSettings(spec: ModelSpec, values: StageValues = {}): PlanSettings {
  const { window = DEFAULTS.window, sinks = DEFAULTS.sinks, chunk = DEFAULTS.chunk } = values
  const rows = wholeNumber(chunk, '--chunk', 4)
  if (rows % 4 !== 0)
    throw new IsletError('invalid_request', `--chunk ${chunk} is not a multiple of 4`, { param: '--chunk' })
  const seen = windowOptions(windowList(window, '--window', 0), wholeNumber(sinks, '--sinks', 0))
  return { ...planWindow(spec, seen), chunk: rows, logitRows: CHAIN_LOGIT_ROWS }
}

/**
 * Sees to it that a model is cut that several scripts are to serve: as `stages` says, or else as it was cut before, or where no
 * isolate holds it. Whether several do. A cut into as many stages of the same weights stays. Throws what planning and cutting throw.
 */
export async function servedInStages(
  folder: string,
  stages: StageCount | undefined,
  values?: StageValues,
): Promise<boolean> {
  const there = await sharesIn(folder)
  if (there !== undefined && (stages === undefined || stages === there.length)) return true
  const manifest = await readManifest(folder)
  const settings = stageSettings(manifest.spec, values)
  if (typeof stages === 'number') {
    await cutModel(folder, stages, settings)
    return true
  }
  // A lane that is asked for too much takes less, and says so: that is no reason for a second script.
  const usual = stageSettings(manifest.spec)
  if (stages === undefined && isOne(planStages(manifest, 'auto', usual))) return false
  const planned = planStages(manifest, 'auto', settings)
  if (isOne(planned) || planned.length !== there?.length) await cutModel(folder, 'auto', settings)
  return !isOne(planned)
}

function isOne(shares: readonly StageShare[]): boolean {
  return shares.length === 1
}

/** A line for each stage, with its isolate's bytes where they were planned. */
export function stageTable(shares: readonly (StageShare | PlannedShare)[], spec: ModelSpec): string {
  const rows = shares.map((share, index) => [
    index === 0 ? '0, the hub' : String(index),
    holds(share.range, spec),
    megabytes(share.weightBytes),
    ...('isolateBytes' in share ? [megabytes(share.isolateBytes)] : []),
  ])
  const planned = rows.some(({ length }) => length > 3) ? ['isolate, MB'] : []
  return columns(['stage', 'holds', 'weights, MB', ...planned], rows, 2)
}

function holds(range: LayerRange, spec: ModelSpec): string {
  const { from, to, embedding, head } = range
  const table = spec.head.tied
    ? 'the table'
    : embedding && head
      ? 'both tables'
      : head
        ? 'the head'
        : 'the embedding'
  const { first, end } = tableRows(spec, range)
  const rows = range.rows === undefined ? table : `rows ${first} to ${end - 1} of ${table}`
  const layers = to - from === 1 ? `layer ${from}` : `layers ${from} to ${to - 1}`
  return [...(to > from ? [layers] : []), ...(embedding || head ? [rows] : [])].join(', ')
}
