// The cost of a chain is arithmetic: what each isolate reads and multiplies by, hops between them, and what the platform bills
// for the time and the rows. Whatever it takes as given is in `Rates` and `Scene`, or said in docs/chain.md.

import { BILLED_GB, MONTH_SECONDS, PRICES } from './prices.ts'

/** One isolate of a chain, the hub first: what it reads for a token. */
export type ChainLink = {
  /** Bytes of the weights of its layers, and of the rows of its head. */
  layers: number
  head: number
  /** Whether ids are looked up in it. */
  embeds: boolean
  /** Layers whose attention it computes, and bytes of one page of their keys and values. */
  attends: number
  pageBytes: number
}

export type ChainShape = {
  links: readonly ChainLink[]
  /** Heads times their dimensions, of one layer. */
  width: number
  /** Pages that all isolates can store as one run (graph/staging.ts). */
  stagedPages: number
}

/** Seconds, as measured in one object (rates.ts). */
export type Rates = {
  /** Of a byte of weights that a token is decoded by. */
  decodeByte: number
  /** Of a row of a prompt and a byte of a layer's weights. */
  prefillByte: number
  /** Of a position that attention looks at, a layer and one of `width`: decoding, and in a prompt. */
  decodeLook: number
  prefillLook: number
}

/** A turn, again and again. */
export type Scene = {
  prompt: number
  answer: number
  /** Of a call and its answer, in milliseconds, beside what the stage computes. */
  hopMs: number
  /** Rows of a call, and calls of a step that follow each other through the stages. */
  chunk: number
  calls: number
  /** Seconds that all objects stay awake behind a turn that no other follows. */
  awakeAfter: number
  /** Seconds that pages stay stored. */
  kept: number
  /** Of the Worker in front: CPU milliseconds of a request, and of each token that it passes on. */
  workerMs: { request: number; token: number }
  /** Turns that are under way at once, for the column of several. */
  turns: number
}

export type ChainTimes = {
  isolates: number
  /** Calls behind each other for one token. */
  hops: number
  /** Seconds of a token without its hops, and with them; of the first token of the prompt. */
  computing: number
  token: number
  first: number
  /** Of a turn: alone, and where `turns` of them share the chain. */
  turn: number
  shared: number
}

/** Of a million tokens that were answered. */
export type ChainBill = {
  duration: number
  requests: number
  rows: number
  storage: number
  worker: number
  total: number
  /** In all where every turn stands alone, and where `turns` share the chain. */
  alone: number
  shared: number
}

/** A page of keys and values has so many positions (kernels/layout.ts). */
const PAGE = 16

/** A stored run of pages is a row of the lane, and in a stage a row and one of its index by last use; deleting writes as many. */
const ROWS_OF_RUN = { lane: 2, stage: 4, read: 1 } as const

/** Of a turn itself, in the lane: as bench/results/persist.json has them, and its deletion. */
const TURN_ROWS = { written: 4, read: 31 } as const

export function timesOf(shape: ChainShape, rates: Rates, scene: Scene): ChainTimes {
  const { links } = shape
  const { prompt, answer, turns } = scene
  const hop = scene.hopMs / 1e3
  const position = prompt + answer / 2
  const works = links.map((link) => decodeWork(link, shape.width, rates, position))
  const heads = links.map(({ head }) => head * rates.decodeByte)
  const { layers, concluding, embedding } = hopsOf(links)
  const hops = layers + concluding + embedding
  const computing = sum(works) + Math.max(...heads)
  const token = computing + hops * hop
  const { seconds, busiest } = prefillOf(shape, rates, scene)
  const first = seconds + Math.max(...heads) + (concluding + embedding) * hop
  const turn = first + (answer - 1) * token
  // The isolate that has the most to do for a turn is what several turns wait for.
  const busy = works.map((work, i) => busiest[i] + heads[i] + (answer - 1) * (work + heads[i]))
  const shared = Math.max(turn / turns, ...busy)
  return { isolates: links.length, hops, computing, token, first, turn, shared }
}

/** Seconds of a token where all isolates share one thread: parts of a head compute one after the other. */
export function tokenOnOneThread(shape: ChainShape, rates: Rates, scene: Scene): number {
  const { token } = timesOf(shape, rates, scene)
  const heads = shape.links.map(({ head }) => head * rates.decodeByte)
  return token + sum(heads) - Math.max(...heads)
}

export function billOf(
  { links, stagedPages }: ChainShape,
  { turn, shared }: ChainTimes,
  scene: Scene,
): ChainBill {
  const { prompt, answer, awakeAfter, kept, workerMs } = scene
  const millions = 1e6 / answer
  const awake = (seconds: number): number =>
    millions * links.length * seconds * BILLED_GB * PRICES.gigabyteSecond
  const pages = Math.ceil((prompt + answer) / PAGE)
  // The last page is stored once more when it is full.
  const runs = Math.ceil(pages / stagedPages) + 1
  const holding = links.slice(1).filter(({ attends }) => attends > 0).length
  const written = TURN_ROWS.written + runs * (ROWS_OF_RUN.lane + holding * ROWS_OF_RUN.stage)
  const read = TURN_ROWS.read + runs * holding * ROWS_OF_RUN.read
  const stored = pages * sum(links.map(({ pageBytes }) => pageBytes))
  const parts = {
    duration: awake(turn),
    requests: millions * links.length * PRICES.objectRequest,
    rows: millions * (written * PRICES.rowWritten + read * PRICES.rowRead),
    storage: (millions * stored * kept * PRICES.gigabyteMonth) / 1e9 / MONTH_SECONDS,
    worker:
      millions * (PRICES.workerRequest + (workerMs.request + answer * workerMs.token) * PRICES.workerCpuMs),
  }
  const total = sum(Object.values(parts))
  return {
    ...parts,
    total,
    alone: total - parts.duration + awake(turn + awakeAfter),
    shared: total - parts.duration + awake(shared),
  }
}

/** Calls behind each other: of layers each its own, of rows of a table one for all isolates that have some. */
export function hopsOf([, ...stages]: readonly ChainLink[]): {
  layers: number
  concluding: number
  embedding: number
} {
  const any = (has: (link: ChainLink) => boolean): number => Number(stages.some(has))
  return {
    layers: stages.filter(({ layers }) => layers > 0).length,
    concluding: any(({ head }) => head > 0),
    // A token's row may be the hub's own, where it has some: one that is not is taken.
    embedding: any(({ embeds }) => embeds),
  }
}

function decodeWork(link: ChainLink, width: number, rates: Rates, position: number): number {
  return link.layers * rates.decodeByte + position * link.attends * width * rates.decodeLook
}

/** Seconds of a prompt without its head, and what each isolate computes of them. */
function prefillOf(
  { links, width }: ChainShape,
  rates: Rates,
  { prompt, hopMs, chunk, calls }: Scene,
): { seconds: number; busiest: number[] } {
  const busiest = links.map(() => 0)
  const hops = hopsOf(links).layers * (hopMs / 1e3)
  let seconds = 0
  for (let from = 0; from < prompt; from += chunk * calls) {
    const rows = Math.min(prompt - from, chunk * calls)
    const pieces = Math.ceil(rows / chunk)
    const works = links.map(
      ({ layers, attends }) =>
        rows * layers * rates.prefillByte + rows * (from + rows / 2) * attends * width * rates.prefillLook,
    )
    works.forEach((work, i) => (busiest[i] += work))
    // The first call passes all stages; those behind it come as fast as the slowest stage lets them.
    seconds += sum(works) / pieces + hops + ((pieces - 1) * Math.max(...works)) / pieces
  }
  return { seconds, busiest }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
