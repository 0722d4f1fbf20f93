// A chain of isolates holds a model of any size: its layers are cut so that each link fits one isolate. This
// file counts the links.

import { kvLayerBytes, servedKv } from '../../src/graph/buffers.ts'
import { planMemory } from '../../src/graph/memory-layout.ts'
import { TILE_ROWS } from '../../src/kernels/layout.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import { LOGIT_ROWS } from '../../src/lane/memory-plan.ts'
import type { TensorEntry } from '../../src/weights/manifest.ts'
import { planTensors } from '../../src/weights/plan.ts'
import { partsOf } from '../../src/weights/table.ts'
import { BUDGET, JS_ALLOWANCE, tokenizerBytesOf, type MemorySettings } from './memory-table.ts'

/** Bytes of one isolate by what they are for; `js` has the tokenizer in it where it lies. */
export type IsolateBytes = { weights: number; pool: number; step: number; js: number; total: number }

/** So many isolates that hold the same; the bytes are those of the fullest. */
export type IsolateGroup = IsolateBytes & { count: number; holds: string }

/** One isolate of a chain: bytes of what it multiplies by, and the layers whose keys and values it has. */
export type IsolatePart = IsolateBytes & {
  layers: number
  head: number
  /** Whether ids are looked up in it. */
  embeds: boolean
  attends: number
}

/** `isolates` are in the order in which a token passes them; what `groups` counts together is each on its own there. */
export type Chain = { groups: IsolateGroup[]; count: number; isolates: IsolatePart[] }

/** A layer, one of its two halves, or the `of`-th part of such a half. */
type Unit = { layer: number; part: 'layer' | 'attention' | 'mlp'; of: number }

/** What one isolate holds. */
type Share = { table: number; units: Unit[]; head: number; tokenizer: boolean }

const NOTHING: Share = { table: 0, units: [], head: 0, tokenizer: false }

const ATTENTION = /^(attn_|q|k|v|o)/

/**
 * The chain of isolates for a model, filled from the front: the embedding, then the layers in order, then the
 * head, each isolate as full as BUDGET allows. Counted for each: its tensors as they would be packed, its
 * layers' part of the KV pool for one sequence, the buffers of a step as the engine plans them for these
 * layers alone, and the JavaScript allowance of a whole isolate; the first has the tokenizer too. Tables are
 * cut by rows. A layer that is too large for an isolate is cut into attention and MLP, and a half that is
 * still too large into equal parts, by heads or by columns of the MLP; each part holds the whole stream, and
 * their results are added. A tied table is held once: its isolates begin the chain and end it.
 *
 * Not counted: the hops. A token passes through the whole chain, and the parts of one layer wait for each
 * other: that many calls from object to object, the bytes of the stream that they carry, and their buffers.
 * So this is memory alone, a lower bound of what it costs.
 *
 * Undefined where even the smallest part does not fit, as the steps of very long prefixes do not.
 */
export function chainOf(
  spec: ModelSpec,
  tensors: readonly TensorEntry[],
  settings: MemorySettings,
): Chain | undefined {
  const measure = measurer(spec, tensors, settings)
  const fits = (share: Share): boolean => measure(share).total <= BUDGET
  const filled: Share[] = []
  let current: Share = { ...NOTHING, tokenizer: true }
  const next = (): void => {
    filled.push(current)
    current = NOTHING
  }
  const isEmpty = (): boolean => current.table + current.head + current.units.length === 0

  /** Rows of a table into this isolate and those after it; false if not one tile of them fits. */
  const placeRows = (grow: (share: Share, rows: number) => Share): boolean => {
    for (let left = spec.vocab; left > 0;) {
      const tiles = most(Math.ceil(left / TILE_ROWS), (count) => fits(grow(current, count * TILE_ROWS)))
      if (tiles === 0 && isEmpty()) return false
      const rows = Math.min(left, tiles * TILE_ROWS)
      current = grow(current, rows)
      left -= rows
      if (left > 0) next()
    }
    return true
  }
  const place = (unit: Unit): void => {
    const grown = { ...current, units: [...current.units, unit] }
    if (fits(grown)) current = grown
    else {
      if (!isEmpty()) next()
      current = { ...current, units: [unit] }
    }
  }

  const { tied } = spec.head
  const embedding = (share: Share, rows: number): Share => ({
    ...share,
    table: share.table + rows,
    head: share.head + (tied ? rows : 0),
  })
  if (!placeRows(embedding)) return undefined
  for (let layer = 0; layer < spec.layers; layer++) {
    const units = unitsOf(spec, layer, fits)
    if (units === undefined) return undefined
    units.forEach(place)
  }
  if (!tied && !placeRows((share, rows) => ({ ...share, head: share.head + rows }))) return undefined
  filled.push(current)
  return {
    groups: grouped(spec, filled, measure),
    count: filled.length,
    isolates: filled.map((share) => partOfChain(share, tied, measure)),
  }
}

function partOfChain(share: Share, tied: boolean, measure: (share: Share) => IsolateBytes): IsolatePart {
  const { table, units, head } = share
  const multiplied: Share = { ...NOTHING, head, table: tied ? table : 0 }
  return {
    ...measure(share),
    layers: measure({ ...NOTHING, units }).weights,
    head: head > 0 ? measure(multiplied).weights : 0,
    embeds: table > 0,
    attends: units.reduce((sum, { part, of }) => sum + (part === 'mlp' ? 0 : 1 / of), 0),
  }
}

/** A layer in as few pieces as fit an isolate of their own. */
function unitsOf(spec: ModelSpec, layer: number, fits: (share: Share) => boolean): Unit[] | undefined {
  const alone = (unit: Unit): boolean => fits({ ...NOTHING, units: [unit] })
  const whole: Unit = { layer, part: 'layer', of: 1 }
  if (alone(whole)) return [whole]
  const halves = [
    { part: 'attention' as const, parts: spec.heads },
    { part: 'mlp' as const, parts: Math.ceil(spec.ffn / TILE_ROWS) },
  ]
  const units: Unit[] = []
  for (const { part, parts } of halves) {
    let of = 1
    while (of <= parts && !alone({ layer, part, of })) of++
    if (of > parts) return undefined
    for (let i = 0; i < of; i++) units.push({ layer, part, of })
  }
  return units
}

/** The largest count that is allowed, given that every smaller one is too. */
function most(limit: number, allowed: (count: number) => boolean): number {
  let [low, high] = [0, limit]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (allowed(middle)) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * What the largest part of a unit computes: heads, KV heads and columns of the MLP; least sizes for the half
 * that it does not have.
 */
function sizesOf(spec: ModelSpec, { part, of }: Unit): Pick<ModelSpec, 'heads' | 'kvHeads' | 'ffn'> {
  const tiles = Math.ceil(spec.ffn / TILE_ROWS / of)
  return {
    heads: part === 'mlp' ? 1 : Math.ceil(spec.heads / of),
    // Parts that share a KV head hold it each.
    kvHeads: part === 'mlp' ? 1 : Math.ceil(spec.kvHeads / of),
    ffn: part === 'attention' ? TILE_ROWS : Math.min(spec.ffn, tiles * TILE_ROWS),
  }
}

function measurer(
  spec: ModelSpec,
  tensors: readonly TensorEntry[],
  settings: MemorySettings,
): (share: Share) => IsolateBytes {
  const { window, chunk, maxPositions, tokenizerBytes } = settings
  const globals = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const layers: TensorEntry[][] = Array.from({ length: spec.layers }, () => [])
  for (const tensor of tensors) {
    const layer = /^layers\.(\d+)\./.exec(tensor.name)?.[1]
    if (layer !== undefined) layers[Number(layer)].push(tensor)
  }
  const kv = servedKv(spec)
  const options = { window, chunk, maxPositions, logitRows: LOGIT_ROWS }
  const { pageCount } = planMemory(spec, 0, options)

  const rowsOf = (name: string, rows: number): TensorEntry[] => {
    let left = rows
    return partsOf(tensors, name).flatMap((tensor) => {
      if (left === 0) return []
      if (tensor.rows === 1) return [{ ...tensor, cols: rows }]
      const count = Math.min(left, tensor.rows)
      left -= count
      return [{ ...tensor, rows: count }]
    })
  }
  const norms = ['final_norm', 'final_norm_bias'].flatMap((name) => globals.get(name) ?? [])
  const held = ({ table, units, head }: Share): TensorEntry[] => [
    ...rowsOf('embedding', table),
    ...units.flatMap((unit) => layers[unit.layer].flatMap((tensor) => partOf(spec, tensor, unit) ?? [])),
    ...(head > 0 ? norms : []),
    ...(spec.head.tied ? [] : rowsOf('head', head)),
    ...rowsOf('head_scale', head),
  ]
  return (share) => {
    const weights = planTensors(held(share)).bytes
    const sizes = share.units.map((unit) => ({ unit, ...sizesOf(spec, unit) }))
    const pool = sizes
      .filter(({ unit }) => unit.part !== 'mlp')
      .reduce((sum, { kvHeads }) => sum + kvLayerBytes({ ...spec, kvHeads }, kv) * pageCount, 0)
    const part: ModelSpec = {
      ...spec,
      heads: Math.max(1, ...sizes.map(({ heads }) => heads)),
      kvHeads: Math.max(1, ...sizes.map(({ kvHeads }) => kvHeads)),
      ffn: Math.max(TILE_ROWS, ...sizes.map(({ ffn }) => ffn)),
      vocab: Math.max(TILE_ROWS, share.head),
    }
    // A table looks at one row at a time: a prefix need not pass through it as one step.
    if (sizes.length === 0) delete part.prefix
    const step = planMemory(part, weights, { ...options, pages: 0 }).totalBytes - weights
    const js = JS_ALLOWANCE + (share.tokenizer ? (tokenizerBytes ?? tokenizerBytesOf(spec)) : 0)
    return { weights, pool, step, js, total: weights + pool + step + js }
  }
}

/** What a unit holds of a tensor of its layer; undefined if nothing. */
function partOf(spec: ModelSpec, tensor: TensorEntry, unit: Unit): TensorEntry | undefined {
  const role = tensor.name.slice(tensor.name.lastIndexOf('.') + 1)
  const half = ATTENTION.test(role) ? 'attention' : 'mlp'
  if (unit.part !== 'layer' && unit.part !== half) return undefined
  if (unit.of === 1) return tensor
  const { heads, kvHeads, ffn } = sizesOf(spec, unit)
  const cut = new Map<string, [side: 'rows' | 'cols', size: number]>([
    ['q', ['rows', heads * spec.headDim]],
    ['k', ['rows', kvHeads * spec.headDim]],
    ['v', ['rows', kvHeads * spec.headDim]],
    ['q_bias', ['cols', heads * spec.headDim]],
    ['k_bias', ['cols', kvHeads * spec.headDim]],
    ['v_bias', ['cols', kvHeads * spec.headDim]],
    ['o', ['cols', heads * spec.headDim]],
    ['gate', ['rows', ffn]],
    ['up', ['rows', ffn]],
    ['up_bias', ['cols', ffn]],
    ['down', ['cols', ffn]],
  ]).get(role)
  return cut === undefined ? tensor : { ...tensor, [cut[0]]: cut[1] }
}

/**
 * Isolates that hold the same in another place of the chain become one group, in the order of the first of
 * each.
 */
function grouped(
  spec: ModelSpec,
  shares: readonly Share[],
  measure: (share: Share) => IsolateBytes,
): IsolateGroup[] {
  const groups = new Map<string, IsolateGroup>()
  for (const share of shares) {
    const holds = words(spec, share)
    const bytes = measure(share)
    const known = groups.get(holds)
    const fullest = known !== undefined && known.total >= bytes.total ? known : bytes
    groups.set(holds, { ...fullest, holds, count: (known?.count ?? 0) + 1 })
  }
  return [...groups.values()]
}

function words({ vocab, head }: ModelSpec, share: Share): string {
  const rows = (count: number, what: string): string[] =>
    count === 0 ? [] : [count === vocab ? `the ${what}` : `${count} rows of the ${what}`]
  const whole = share.units.filter(({ part }) => part === 'layer').length
  return [
    ...rows(share.table, head.tied ? 'embedding and head' : 'embedding'),
    ...(whole === 0 ? [] : [whole === 1 ? 'a layer' : `${whole} layers`]),
    ...share.units.flatMap(({ part, of }) => {
      if (part === 'layer') return []
      const name = part === 'mlp' ? 'MLP' : 'attention'
      return [of === 1 ? `a layer's ${name}` : `1/${of} of a layer's ${name}`]
    }),
    ...(head.tied ? [] : rows(share.head, 'head')),
  ].join(', ')
}
