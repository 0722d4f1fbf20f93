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

/** The report, where it is one: whatever comes from a server is looked at before it is drawn. */
export function reportOf(value: unknown): Report | undefined {
  const report = value as Partial<Report> | null | undefined
  const isOne = Array.isArray(report?.views) && Array.isArray(report.pages) && Number(report.page_tokens) > 0
  return isOne ? (report as Report) : undefined
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
    title:
      `${views.length === 1 ? 'All ' : ''}${layers} ${layers === 1 ? 'layer' : 'layers'}: ` +
      (window === null ? 'see every token' : `see the last ${number(window)} tokens`),
    sinks: { from: 0, to: window === null ? 0 : Math.min(sinks, tokens) },
    hidden: { from: sinks, to: sinks + hidden },
    window: { from: hidden > 0 ? sinks + hidden : 0, to: tokens },
  }))
}

/** The number of tokens that a row is wide: steps of a half or a third, so that it grows in few leaps. */
export function widthFor(tokens: number): number {
  let width = 128
  for (let isHalf = true; width < tokens; isHalf = !isHalf) width *= isHalf ? 3 / 2 : 4 / 3
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
  const words = [
    placeOf(segment),
    ...(segment.reused ? ['reused this time'] : []),
    ...(segment.shared > 0 ? [`shared with ${segment.shared} more`] : []),
    segment.in_sight[view] === false ? 'out of sight of these layers' : 'in sight',
  ]
  return `Page ${page + 1}, tokens ${page * size + 1} to ${last}: ${words.join(', ')}`
}

export function placeOf({ memory, storage }: Pick<PageRun, 'memory' | 'storage'>): string {
  if (memory) return storage ? 'in memory and in storage' : 'in memory'
  return storage ? 'in storage alone' : 'in neither: it is computed again when needed'
}

/** The same as the drawing in a sentence or two. */
export function summaryOf(report: Report): string {
  const count = (is: (run: PageRun) => boolean): number => pageCount({ pages: report.pages.filter(is) })
  const hidden = Math.max(0, ...report.views.map(({ out_of_sight }) => out_of_sight))
  const parts = [
    `${count(({ memory }) => memory)} in memory`,
    `${count(({ storage }) => storage)} in storage`,
    `${count(({ reused }) => reused)} reused this time`,
    `${count(({ shared }) => shared > 0)} shared`,
  ]
  const sight = hidden === 0 ? 'Every token is in sight.' : `${number(hidden)} tokens are out of sight.`
  const pages = pageCount(report)
  return `${amount(report.tokens, 'token')} in ${amount(pages, 'page')}: ${parts.join(', ')}. ${sight}`
}

export type Part = { name: string; hint: string; bytes: number }

/** What an isolate's memory goes to; the last part is free. */
export function partsOf({ weights, pool, scratch, heap, limit }: IsolateBytes): Part[] {
  const free = Math.max(0, limit - weights - pool - scratch - heap)
  return [
    { name: 'Model', hint: 'the weights', bytes: weights },
    { name: 'Pages', hint: 'what all sessions remember', bytes: pool },
    { name: 'Workspace', hint: 'what one step computes in', bytes: scratch },
    { name: 'Program', hint: 'allowed for JavaScript', bytes: heap },
    { name: 'Free', hint: 'up to where the platform ends it', bytes: free },
  ]
}

/** The pool in words. */
export function poolWords({ pages, used, session, template }: Pool): string {
  const others = Math.max(0, used - session - template)
  const begins = template > 0 ? `${template} how every chat begins, ` : ''
  return `Of ${amount(pages, 'page')} ${session} are this session's, ${begins}${others} others', ${pages - used} free.`
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0)} MB`
}

/** A probability of a logarithm of it, in per cent. */
export function percent(logprob: number): string {
  const share = 100 * Math.exp(logprob)
  if (share > 0 && share < 0.1) return '< 0.1 %'
  return `${share.toFixed(share < 10 && share > 0 ? 1 : 0)} %`
}

/** A token as it can be seen: spaces and ends of lines have signs. */
export function visibleText(text: string): string {
  return text === '' ? '∅' : text.replaceAll('\n', '↵').replaceAll('\t', '⇥').replaceAll(' ', '␣')
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function amount(value: number, what: string): string {
  return `${number(value)} ${what}${value === 1 ? '' : 's'}`
}
