// The exposition writes metrics in the text format of Prometheus, with llama-server's names where they fit.

import type { LaneMetrics, StorageUse } from '../../protocol/lane-reports.ts'
import { FIRST_TOKEN_BOUNDS, type GenerationCounts } from '../../protocol/tally.ts'

/** Counts of a lane, or of a router, which has no engine and no storage. */
export type Metrics = GenerationCounts & Partial<LaneMetrics>

/** One source of metrics; without `metrics` it could not be asked. */
export type Source = { labels: Record<string, string>; metrics?: Metrics }

type Value = number | undefined
/** Values by the value of a label, or by the suffix and `le` of a histogram. */
type Values = readonly (readonly [labels: Record<string, string>, value: Value, suffix?: string])[]
type Row = readonly [name: string, type: string, help: string, of: (metrics: Metrics) => Value | Values]

const perSecond = (tokens: number, ms: number): number => (ms > 0 ? (1000 * tokens) / ms : 0)

const stored =
  (field: keyof StorageUse, scale = 1) =>
  ({ storage }: Metrics): Value =>
    storage && storage[field] * scale

const ROWS: readonly Row[] = [
  ['llamacpp:prompt_tokens_total', 'counter', 'Number of prompt tokens processed.', (m) => m.promptTokens],
  ['llamacpp:prompt_seconds_total', 'counter', 'Prompt process time', (m) => m.promptMs / 1000],
  [
    'llamacpp:tokens_predicted_total',
    'counter',
    'Number of generation tokens processed.',
    (m) => m.predictedTokens,
  ],
  ['llamacpp:tokens_predicted_seconds_total', 'counter', 'Predict process time', (m) => m.predictedMs / 1000],
  ['llamacpp:n_tokens_max', 'counter', 'Largest observed n_tokens.', (m) => m.tokensMax],
  [
    'llamacpp:prompt_tokens_seconds',
    'gauge',
    'Average prompt throughput in tokens/s.',
    (m) => perSecond(m.promptTokens, m.promptMs),
  ],
  [
    'llamacpp:predicted_tokens_seconds',
    'gauge',
    'Average generation throughput in tokens/s.',
    (m) => perSecond(m.predictedTokens, m.predictedMs),
  ],
  ['llamacpp:requests_processing', 'gauge', 'Number of requests processing.', (m) => m.running],
  ['llamacpp:requests_deferred', 'gauge', 'Number of requests deferred.', (m) => m.waiting],
  [
    'llamacpp:kv_cache_usage_ratio',
    'gauge',
    'KV-cache usage. 1 means 100 percent usage.',
    ({ engine }) => engine && 1 - engine.pagesFree / engine.pageCount,
  ],
  [
    'islet_cached_tokens_total',
    'counter',
    'Prompt tokens that were not computed, since their pages were there.',
    (m) => m.cachedTokens,
  ],
  [
    'islet_wait_seconds_total',
    'counter',
    'Time until prompts began: in the queue, and while weights loaded.',
    (m) => m.waitMs / 1000,
  ],
  [
    'islet_generations_total',
    'counter',
    'Generations by the reason of their end, or the code of their error.',
    (m) => Object.entries(m.ended).map(([end, value]) => [{ end }, value]),
  ],
  ['islet_first_token_seconds', 'histogram', 'Time from the request to its first token.', firstTokens],
  [
    'islet_kv_pages',
    'gauge',
    'Pages of KV in memory; lanes of one isolate share them.',
    ({ engine }) =>
      engine && [
        [{ state: 'free' }, engine.pagesFree],
        [{ state: 'used' }, engine.pageCount - engine.pagesFree],
      ],
  ],
  [
    'islet_linear_memory_bytes',
    'gauge',
    'Linear memory of the engine; lanes of one isolate share it. Absent while no weights are loaded.',
    ({ engine }) => engine?.linearMemoryBytes,
  ],
  ['islet_storage_rows_read_total', 'counter', 'Rows of SQLite read.', stored('rowsRead')],
  ['islet_storage_rows_written_total', 'counter', 'Rows of SQLite written.', stored('rowsWritten')],
  ['islet_storage_alarms_total', 'counter', 'Alarms set.', stored('alarms')],
  ['islet_storage_page_runs_total', 'counter', 'Runs of KV pages written.', stored('runs')],
  ['islet_storage_page_bytes_total', 'counter', 'Bytes of KV pages written.', stored('runBytes')],
  [
    'islet_storage_pages_restored_total',
    'counter',
    'KV pages read back from storage.',
    stored('pagesRestored'),
  ],
  ['islet_storage_save_seconds_total', 'counter', 'Time of writing pages.', stored('saveMs', 1 / 1000)],
  [
    'islet_storage_restore_seconds_total',
    'counter',
    'Time of reading pages back.',
    stored('restoreMs', 1 / 1000),
  ],
]

/** The text of a scrape. */
export function exposition(sources: readonly Source[]): string {
  const up: Values = sources.map(({ labels, metrics }) => [labels, metrics === undefined ? 0 : 1])
  const lines = written('islet_up', 'gauge', 'Whether the lane could be asked.', up)
  for (const [name, type, help, of] of ROWS) {
    const values = sources.flatMap(({ labels, metrics }): Values => {
      const value = metrics && of(metrics)
      if (typeof value !== 'object') return [[labels, value]]
      return value.map(([more, one, suffix]) => [{ ...labels, ...more }, one, suffix])
    })
    lines.push(...written(name, type, help, values))
  }
  return `${lines.join('\n')}\n`
}

/** The lines of one metric, none where nobody has a value. */
function written(name: string, type: string, help: string, values: Values): string[] {
  const lines = values.flatMap(([labels, value, suffix = '']) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`)
    return value === undefined ? [] : [`${name}${suffix}{${pairs.join(',')}} ${value}`]
  })
  return lines.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines]
}

function firstTokens({ firstTokens: each, firstSeconds }: Metrics): Values {
  let sum = 0
  const buckets = each.map((number, place): Values[number] => {
    sum += number
    return [{ le: String(FIRST_TOKEN_BOUNDS[place] ?? '+Inf') }, sum, '_bucket']
  })
  return [...buckets, [{}, firstSeconds, '_sum'], [{}, sum, '_count']]
}
