// A drawn memory follows from a report of the server alone: rows of pages, the words for each, and sums.

export type Span = { from: number; to: number }

/** Pages that are alike, as GET /v1/sessions/:id/memory has them. */
export type PageRun = {
  count: number
  memory: boolean
  storage: boolean
  reused: boolean
  shared: number
  in_sight: readonly boolean[]
}
export type MemoryView = { layers: number; window: number | null; sinks: number; out_of_sight: number }
export type Pool = { pages: number; used: number; session: number; template: number }
/** Bytes. */
export type IsolateBytes = { weights: number; pool: number; scratch: number; heap: number; limit: number }
export type Report = {
  tokens: number
  cached_tokens: number
  page_tokens: number
  views: readonly MemoryView[]
  pages: readonly PageRun[]
  pool: Pool | null
  isolate?: IsolateBytes | null
}

/** Pages that follow each other, by the first one's number from 0, and the tokens in them. */
export type Segment = PageRun & Span & { first: number }

/** What some layers see, in positions of tokens. */
export type Row = {
  title: string
  sinks: Span
  /** Out of sight, between sinks and window. */
  hidden: Span
  window: Span
}

/** The report, where it is one. */
export function reportOf(value: unknown): Report | undefined {
  const report = value as Report | null | undefined
  return report?.views && report.pages && report.page_tokens > 0 ? report : undefined
}

export function segmentsOf({ pages, page_tokens: size }: Report): Segment[] {
  let first = 0
  return pages.map((run) => {
    const segment = { ...run, first, from: first * size, to: (first + run.count) * size }
    first += run.count
    return segment
  })
}

export function rowsOf({ tokens, views }: Report): Row[] {
  return views.map(({ layers, window, sinks, out_of_sight: hidden }) => ({
    title: `${views.length === 1 ? 'All ' : ''}${amount(layers, 'layer')}: see ${window === null ? 'every token' : `the last ${number(window)} tokens`}`,
    sinks: { from: 0, to: window === null ? 0 : Math.min(sinks, tokens) },
    hidden: { from: sinks, to: sinks + hidden },
    window: { from: hidden > 0 ? sinks + hidden : 0, to: tokens },
  }))
}

/** The number of tokens that a row is wide: steps of a half, so that it grows in few leaps. */
export function widthFor(tokens: number): number {
  let width = 128
  while (width < tokens) width *= 1.5
  return width
}

/** What is drawn between two reports, `share` of the way from one to the other. */
export function between(from: number, to: number, share: number): number {
  return from + (to - from) * (1 - (1 - share) ** 3)
}

export function pageCount({ pages }: Pick<Report, 'pages'>): number {
  return pages.reduce((sum, { count }) => sum + count, 0)
}

/** Where a page lies, and who sees it, in words. `view`: that of its row. */
export function pageWords(report: Report, page: number, view: number): string {
  const { page_tokens: size, tokens } = report
  const segment = segmentsOf(report).find(({ first, count }) => page < first + count)
  if (segment === undefined) return 'No page yet'
  const last = Math.min(tokens, (page + 1) * size)
  return `Page ${page + 1}, tokens ${page * size + 1} to ${last}: ${wordsOf(segment, [segment.in_sight[view]])}`
}

/** The state of pages that are alike, in words; `sees`: whether layers see them. */
export function wordsOf({ memory, storage, reused, shared, in_sight }: PageRun, sees = in_sight): string {
  const place = [memory && 'memory', storage && 'storage'].filter(Boolean).join(' and ')
  return [
    place ? `in ${place}` : 'computed again when needed',
    reused && 'reused',
    shared > 0 && `shared with ${shared} more`,
    sees.every(Boolean) ? 'in sight' : sees.some(Boolean) ? 'in sight of some layers' : 'out of sight',
  ]
    .filter(Boolean)
    .join(', ')
}

/** The same as the drawing in a sentence or two. */
export function summaryOf(report: Report): string {
  const count = (is: (run: PageRun) => unknown): number => pageCount({ pages: report.pages.filter(is) })
  const hidden = Math.max(0, ...report.views.map(({ out_of_sight }) => out_of_sight))
  const parts = [
    `${count(({ memory }) => memory)} in memory`,
    `${count(({ storage }) => storage)} in storage`,
    `${count(({ reused }) => reused)} reused`,
    `${count(({ shared }) => shared)} shared`,
  ]
  return `${amount(report.tokens, 'token')} in ${amount(pageCount(report), 'page')}: ${parts.join(', ')}; ${amount(hidden, 'token')} out of sight.`
}

export type Part = { name: string; bytes: number }

/** What an isolate's memory goes to; the last part is free. */
export function partsOf({ weights, pool, scratch, heap, limit }: IsolateBytes): Part[] {
  return [
    { name: 'Model', bytes: weights },
    { name: 'Pages', bytes: pool },
    { name: 'Workspace', bytes: scratch },
    { name: 'Program', bytes: heap },
    { name: 'Free', bytes: Math.max(0, limit - weights - pool - scratch - heap) },
  ]
}

/** The pool in words. */
export function poolWords({ pages, used, session, template }: Pool): string {
  const others = Math.max(0, used - session - template)
  return `Of ${amount(pages, 'page')} ${session} are this session's, ${template} how every chat begins, ${others} others', ${pages - used} free.`
}

/** In units of 1,000, as storage is sold and billed. */
export function bytesInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`
  return megabytes(bytes)
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`
}

/** A probability without false precision: certainty is never claimed. */
export function percent(odds: number): string {
  if (odds > 0.99 && odds < 1) return '> 99 %'
  return odds > 0 && odds < 0.001 ? '< 0.1 %' : `${Number((100 * odds).toPrecision(2))} %`
}

const SIGNS: Record<string, string> = { ' ': '␣', '\n': '↵', '\t': '⇥' }

/** A token as it can be seen: spaces and ends of lines have signs. */
export function visibleText(text: string): string {
  return text.replace(/[ \n\t]/g, (space) => SIGNS[space]) || '∅'
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function amount(value: number, what: string): string {
  return `${number(value)} ${what}${value === 1 ? '' : 's'}`
}
