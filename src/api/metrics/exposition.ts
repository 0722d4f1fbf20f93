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
type Row = readonly [name: string, type: string, of: (metrics: Metrics) => Value | Values]

const perSecond = (tokens: number, ms: number): number => (ms > 0 ? (1000 * tokens) / ms : 0)

const stored = (name: string, field: keyof StorageUse, scale = 1): Row =>
  counter(`islet_storage_${name}_total`, ({ storage }) => storage && storage[field] * scale)

const counter = (name: string, of: Row['2']): Row => [name, 'counter', of]
const gauge = (name: string, of: Row['2']): Row => [name, 'gauge', of]

/** What each is, docs/operating.md says: text for people would be held in every isolate. */
const ROWS: readonly Row[] = [
  counter('llamacpp:prompt_tokens_total', (m) => m.promptTokens),
  counter('llamacpp:prompt_seconds_total', (m) => m.promptMs / 1000),
  counter('llamacpp:tokens_predicted_total', (m) => m.predictedTokens),
  counter('llamacpp:tokens_predicted_seconds_total', (m) => m.predictedMs / 1000),
  counter('llamacpp:n_tokens_max', (m) => m.tokensMax),
  gauge('llamacpp:prompt_tokens_seconds', (m) => perSecond(m.promptTokens, m.promptMs)),
  gauge('llamacpp:predicted_tokens_seconds', (m) => perSecond(m.predictedTokens, m.predictedMs)),
  gauge('llamacpp:requests_processing', (m) => m.running),
  gauge('llamacpp:requests_deferred', (m) => m.waiting),
  gauge('llamacpp:kv_cache_usage_ratio', ({ engine }) => engine && 1 - engine.pagesFree / engine.pageCount),
  counter('islet_cached_tokens_total', (m) => m.cachedTokens),
  counter('islet_wait_seconds_total', (m) => m.waitMs / 1000),
  counter('islet_generations_total', (m) => Object.entries(m.ended).map(([end, value]) => [{ end }, value])),
  ['islet_first_token_seconds', 'histogram', firstTokens],
  gauge(
    'islet_kv_pages',
    ({ engine }) =>
      engine && [
        [{ state: 'free' }, engine.pagesFree],
        [{ state: 'used' }, engine.pageCount - engine.pagesFree],
      ],
  ),
  gauge('islet_linear_memory_bytes', ({ engine }) => engine?.linearMemoryBytes),
  stored('rows_read', 'rowsRead'),
  stored('rows_written', 'rowsWritten'),
  stored('alarms', 'alarms'),
  stored('page_runs', 'runs'),
  stored('page_bytes', 'runBytes'),
  stored('pages_restored', 'pagesRestored'),
  stored('save_seconds', 'saveMs', 1 / 1000),
  stored('restore_seconds', 'restoreMs', 1 / 1000),
]

/** The text of a scrape. */
export function exposition(sources: readonly Source[]): string {
  const up: Values = sources.map(({ labels, metrics }) => [labels, metrics === undefined ? 0 : 1])
  const lines = written('islet_up', 'gauge', up)
  for (const [name, type, of] of ROWS) {
    const values = sources.flatMap(({ labels, metrics }): Values => {
      const value = metrics && of(metrics)
      if (typeof value !== 'object') return [[labels, value]]
      return value.map(([more, one, suffix]) => [{ ...labels, ...more }, one, suffix])
    })
    lines.push(...written(name, type, values))
  }
  return `${lines.join('\n')}\n`
}

/** The lines of one metric, none where nobody has a value. */
function written(name: string, type: string, values: Values): string[] {
  const lines = values.flatMap(([labels, value, suffix = '']) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`)
    return value === undefined ? [] : [`${name}${suffix}{${pairs.join(',')}} ${value}`]
  })
  return lines.length === 0 ? [] : [`# TYPE ${name} ${type}`, ...lines]
}

function firstTokens({ firstTokens: each, firstSeconds }: Metrics): Values {
  let sum = 0
  const buckets = each.map((number, place): Values[number] => {
    sum += number
    return [{ le: String(FIRST_TOKEN_BOUNDS[place] ?? '+Inf') }, sum, '_bucket']
  })
  return [...buckets, [{}, firstSeconds, '_sum'], [{}, sum, '_count']]
}
