// The plan of stages gives each script of a chain its part of a model that no isolate holds.

import { IsletError } from '../lib/errors.ts'
import { ROWS_UNIT, wholeRange, type LayerRange } from '../weights/layer-range.ts'
import type { StageShare } from '../weights/manifest.ts'
import { rangeOf } from '../weights/range.ts'
import { weightBytes } from '../weights/stream.ts'
import { evenCut, leastOf, type Works } from './cut-layers.ts'
import { stageMemory, type PackedWhole, type PlanSettings, type StageMemory } from './stage-memory.ts'

/** Of how many scripts a chain is, the hub included; `auto`: as few as hold the model. */
export type StageCount = number | 'auto'

/** A share, and what its isolate holds by the plan. */
export type PlannedShare = StageShare & { isolateBytes: number }

/** Ranges, and what each has to read for a token: bytes of weights. */
type Plan = { ranges: LayerRange[]; works: number[] }

/**
 * Most rows of a prompt skip the head, and those of answers do not. By measurement of SmolLM2 over two scripts (docs/chain.md): with half of
 * it counted prompts are 4 % faster, and two sessions 3 % slower.
 */
const HEAD_SHARE = 2 / 3

const NOTHING: Plan = { ranges: [], works: [] }

/**
 * The shares of a chain, the hub's first: its layers, then those of the other scripts, then rows of the table where that does
 * not fit into the hub. For `auto` one share alone is the whole model: it fits an isolate. Throws `invalid_request` for a
 * number of scripts that cannot be, `unsupported_value` for a model that cannot be cut so.
 */
export function planStages(whole: PackedWhole, stages: StageCount, settings: PlanSettings): PlannedShare[] {
  const memory = stageMemory(whole, settings)
  return new Planner(whole, memory).ranges(stages).map((range, index) => ({
    range,
    weightBytes: weightBytes(rangeOf(whole, range)),
    isolateBytes: memory.total({ range, isHub: index === 0 }),
  }))
}

class Planner {
  readonly #whole: PackedWhole
  readonly #memory: StageMemory

  constructor(whole: PackedWhole, memory: StageMemory) {
    this.#whole = whole
    this.#memory = memory
  }

  ranges(stages: StageCount): LayerRange[] {
    const { spec } = this.#whole
    const all = wholeRange(spec)
    if (stages === 'auto' && this.#memory.fits({ range: all, isHub: true })) return [all]
    if (stages !== 'auto' && stages < 2)
      throw refused(stages, 'a chain has at least 2 scripts, the hub and a stage')
    this.#checkLayers()
    const inHub = this.#memory.fits({ range: { ...all, to: 0 }, isHub: true })
    if (!inHub) this.#checkRows()
    const works = this.#works(inHub)
    const layers = fewest(spec.layers + 1, (count) => this.#layers(works, count, inHub))
    if (layers === undefined)
      throw impossible(
        'a layer, the tokenizer and the logits of all ids do not fit into one isolate together',
      )
    const tables = inHub ? NOTHING : fewest(2 * this.#units, (count) => this.#table(count))!
    if (stages === 'auto') return [...layers.ranges, ...tables.ranges]
    const least = layers.ranges.length + tables.ranges.length
    if (stages < least) throw refused(stages, `this model takes at least ${least} scripts`)
    // What is left over goes to whatever is slowest.
    const plans: Plan[] = []
    const most = inHub ? 0 : stages - layers.ranges.length
    for (let count = tables.ranges.length; count <= most; count++) {
      const table = count === 0 ? NOTHING : this.#table(count)
      const own = this.#layers(works, stages - count, inHub)
      if (table !== undefined && own !== undefined) plans.push(joined(own, table))
    }
    if (plans.length === 0) {
      const rows = inHub ? '' : ` and ${this.#units} groups of rows`
      throw refused(stages, `there are only ${spec.layers} layers${rows} to be had`)
    }
    return plans.reduce((best, plan) => (isFaster(plan, best) ? plan : best)).ranges
  }

  /** Groups of rows that a table is cut into at most. */
  get #units(): number {
    return Math.ceil(this.#whole.spec.vocab / ROWS_UNIT)
  }

  /** Of every run of layers that a script may have. */
  #works(tableInHub: boolean): Works {
    const work = (range: LayerRange, isHub: boolean): number =>
      this.#memory.fits({ range, isHub }) ? this.#work(range) : Infinity
    const counts = Array.from({ length: this.#whole.spec.layers + 1 }, (_, count) => count)
    return {
      hub: counts.map((to) => (to > 0 || tableInHub ? work(layersOf(0, to, tableInHub), true) : Infinity)),
      stages: counts.map((from) =>
        counts.map((to) => (to > from ? work(layersOf(from, to), false) : Infinity)),
      ),
    }
  }

  /** The hub and stages of layers, `count` together. */
  #layers(works: Works, count: number, tableInHub: boolean): Plan | undefined {
    const ends = evenCut(works, count)
    return ends && this.#planOf(ends.map((to, i) => layersOf(ends[i - 1] ?? 0, to, i === 0 && tableInHub)))
  }

  /** Stages with rows of the table, or of both tables, `count` together. */
  #table(count: number): Plan | undefined {
    const [last, first] = this.#tables
    if (first === undefined) return this.#rows(count, last)
    // An embedding's rows are looked up, a head's are multiplied by: more stages help the head alone.
    const embedding = fewest(count, (some) => this.#rows(some, first))
    const head = embedding && this.#rows(count - embedding.ranges.length, last)
    return embedding && head && joined(embedding, head)
  }

  /** The table behind the last layer; of an untied head's model the embedding's too. */
  get #tables(): LayerRange[] {
    const { layers, head } = this.#whole.spec
    const last = { from: layers, to: layers, embedding: head.tied, head: true }
    return head.tied ? [last] : [last, { from: 0, to: 0, embedding: true, head: false }]
  }

  /** A table's rows over `count` stages, by their bytes. */
  #rows(count: number, table: LayerRange): Plan | undefined {
    const { vocab } = this.#whole.spec
    if (count < 1 || count > this.#units) return undefined
    const rowsTo = (unit: number): number => Math.min(unit * ROWS_UNIT, vocab)
    const upTo = (unit: number): number =>
      this.#memory.weights({ ...table, rows: { first: 0, end: rowsTo(unit) } })
    const bytes = upTo(this.#units)
    const ranges: LayerRange[] = []
    let unit = 0
    for (let stage = 1; stage <= count; stage++) {
      const first = rowsTo(unit)
      // A group of rows for each stage, and for those behind it.
      const least = unit + 1
      const more = this.#units - (count - stage) - least
      unit = least + leastOf(more, (some) => upTo(least + some) >= (bytes * stage) / count)
      ranges.push({ ...table, rows: { first, end: rowsTo(unit) } })
    }
    return ranges.every((range) => this.#memory.fits({ range, isHub: false }))
      ? this.#planOf(ranges)
      : undefined
  }

  #planOf(ranges: LayerRange[]): Plan {
    return { ranges, works: ranges.map((range) => this.#work(range)) }
  }

  /** All of a range's layers, and its head's table in part. */
  #work(range: LayerRange): number {
    const { layers } = this.#whole.spec
    const { from, to, head, rows } = range
    const own = this.#memory.weights({ from, to, embedding: false, head: false })
    if (!head) return own
    const table: LayerRange = { from: layers, to: layers, embedding: false, head, ...(rows && { rows }) }
    return own + this.#memory.weights(table) * HEAD_SHARE
  }

  #checkLayers(): void {
    for (let layer = 0; layer < this.#whole.spec.layers; layer++)
      this.#check(layersOf(layer, layer + 1), `layer ${layer}`)
  }

  #checkRows(): void {
    const rows = { first: 0, end: Math.min(ROWS_UNIT, this.#whole.spec.vocab) }
    for (const table of this.#tables) this.#check({ ...table, rows }, `a table of ${rows.end} rows`)
  }

  #check(range: LayerRange, what: string): void {
    const part = { range, isHub: false }
    if (this.#memory.fits(part)) return
    const size = (this.#memory.total(part) / 1e6).toFixed(1)
    throw impossible(`${what} alone takes ${size} MB of an isolate, with the buffers of a step`)
  }
}

function layersOf(from: number, to: number, withTable = false): LayerRange {
  return { from, to, embedding: withTable, head: withTable }
}

/** The plan of as few as there can be, with at most `limit`. */
function fewest(limit: number, plan: (count: number) => Plan | undefined): Plan | undefined {
  for (let count = 1; count <= limit; count++) {
    const found = plan(count)
    if (found !== undefined) return found
  }
  return undefined
}

function joined(a: Plan, b: Plan): Plan {
  return { ranges: [...a.ranges, ...b.ranges], works: [...a.works, ...b.works] }
}

/** By the slowest of each, then by all. */
function isFaster(a: Plan, b: Plan): boolean {
  const [slowest, other] = [a, b].map(({ works }) => Math.max(...works))
  const squares = ({ works }: Plan): number => works.reduce((sum, work) => sum + work ** 2, 0)
  return slowest < other || (slowest === other && squares(a) < squares(b))
}

function refused(stages: number, why: string): IsletError {
  return new IsletError('invalid_request', `--stages ${stages}: ${why}`, { param: '--stages' })
}

function impossible(why: string): IsletError {
  return new IsletError('unsupported_value', `this model cannot be cut into stages: ${why}`, {
    param: '--stages',
  })
}
