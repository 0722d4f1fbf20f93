// Tables of docs/families.md: what sets families apart, out of their specs; how far each is from its original, out of
// docs/results/families.json; and what real sizes take.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chainOf } from '../../cli/lib/isolates.ts'
import { LARGEST_MEMORY, memoryTable, planWindow } from '../../cli/lib/memory-table.ts'
import { apartWords, kindWords } from '../../cli/lib/spec-lines.ts'
import type { RoleTensor } from '../../src/models/family.ts'
import { layerKind, type ModelSpec } from '../../src/models/spec.ts'
import type { FamilyResult, FamilyResults } from '../../bench/families.ts'
import { LISTED, listedModel } from './families.ts'
import { table } from '../../tools/markdown.ts'
import { ROOT } from '../../tools/root.ts'

/** Block by name; `file` holds the results of `npm run families`. */
export function familyBlocks(
  file: string,
  settings: { window: number; sinks: number; chunk: number },
): [name: string, text: string][] {
  const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FamilyResults) : {}
  return [
    ['families-apart', apartTable()],
    ['families-checked', checkedTable(results)],
    ['families-sizes', sizesTable(settings)],
    // Measured apart, on a page of its own.
    ['families-context', existsSync(`${ROOT}docs/context.md`) ? CONTEXT_MEASURED : ''],
  ]
}

function apartTable(): string {
  const rows = LISTED.map(({ name, config }) => {
    const { spec, stored } = listedModel(config)
    const what = [...apart(spec), ...inCheckpoint(stored)].join('; ')
    return [name, `${spec.family}.ts`, attention(spec), positions(spec), what]
  })
  return table(['family', 'in `src/models/`', 'attention', 'positions', 'and'], rows, 5)
}

/** MHA, GQA or MQA, by how many heads share their keys. */
export function attentionName({ heads, kvHeads }: ModelSpec): string {
  if (heads === kvHeads) return 'MHA'
  return kvHeads === 1 ? 'MQA' : 'GQA'
}

function attention(spec: ModelSpec): string {
  const { heads, kvHeads, headDim } = spec
  const on = heads === kvHeads ? `${heads} heads` : `${heads} heads on ${kvHeads}`
  return `${attentionName(spec)}, ${on}, of ${headDim}`
}

function positions(spec: ModelSpec): string {
  const { kinds, kindOfLayer } = spec.attention
  if (kindOfLayer === undefined) return kindWords(kinds[0])
  const layers = Array.from({ length: spec.layers }, (_, layer) => layerKind(spec, layer))
  return kinds
    .map((kind) => `${layers.filter((each) => each === kind).length} layers: ${kindWords(kind)}`)
    .join('; ')
}

function apart(spec: ModelSpec): string[] {
  const { norm, mlp, head } = spec
  return [
    ...(norm.kind === 'layer' ? ['LayerNorm with bias'] : []),
    ...(mlp.kind === 'plain' ? ['MLP without a gate'] : []),
    ...(mlp.activation === 'gelu_tanh' ? ['GELU (tanh)'] : []),
    ...apartWords(spec),
    ...(head.tied ? ['tied head'] : []),
  ]
}

/** What a checkpoint's tensors have that packed ones do not. */
function inCheckpoint(stored: readonly RoleTensor[]): string[] {
  const tensors = new Map(stored.map((tensor) => [tensor.role, tensor]))
  const of = (role: string): RoleTensor | undefined => tensors.get(`layers.0.${role}`)
  const together = (a: string, b: string): boolean => of(b) !== undefined && of(a)?.name === of(b)?.name
  return [
    ...(together('q', 'k') ? ['q, k, v in one tensor'] : []),
    ...(together('gate', 'up') ? ['gate and up in one tensor'] : []),
    ...(of('q')?.order?.order === undefined ? [] : ['other rotary pairs']),
    ...(of('attn_norm')?.compute === 'plus-one' ? ['norms stored less 1'] : []),
  ]
}

const CONTEXT_MEASURED = 'What context extension gives, measured: [context.md](context.md).'

const NOT_RUN = 'not run'

function checkedTable(results: FamilyResults): string {
  const rows = LISTED.map(({ name, goldens, original }) => {
    const all = goldens.flatMap((golden) => results[golden] ?? [])
    const float = all.filter((each) => each.float)
    const served = all.filter((each) => !each.float)
    const sum = (list: readonly FamilyResult[], of: (each: FamilyResult) => number): string =>
      list.length === 0 ? NOT_RUN : String(list.reduce((total, each) => total + of(each), 0))
    const most = (list: readonly FamilyResult[], of: (each: FamilyResult) => number): number =>
      Math.max(...list.map(of))
    return [
      name,
      original,
      sum(all, ({ cases }) => cases),
      sum(all, ({ rows }) => rows),
      float.length === 0 ? NOT_RUN : most(float, ({ maxAbs }) => maxAbs).toExponential(1),
      served.length === 0 ? '-' : most(served, ({ rms }) => rms).toFixed(3),
      served.length === 0 ? '-' : most(served, ({ maxAbs }) => maxAbs).toFixed(2),
    ]
  })
  const header = ['family', 'the original', 'cases', 'rows', 'f32: largest', 'INT8: rms', 'largest']
  return table(header, rows, 2)
}

/** At the worker's own window; a family that takes none has a text of that many positions. */
function sizesTable(given: { window: number; sinks: number; chunk: number }): string {
  const configs = readdirSync(`${ROOT}docs/families`).map((file) => file.replace(/\.json$/, ''))
  const models = configs.map((config) => ({ config, ...listedModel(config) }))
  const rows = models
    .sort((a, b) => a.bytes - b.bytes)
    .map(({ config, spec, tensors, bytes }) => {
      const settings = { ...planWindow(spec, given), chunk: given.chunk, weightBytes: bytes }
      const { linear } = memoryTable(spec, settings)
      const chain = chainOf(spec, tensors, settings)
      const weights = tensors.reduce((sum, { rows, cols }) => sum + rows * cols, 0)
      return [
        config,
        (weights / 1e6).toFixed(0),
        (bytes / 1e6).toFixed(0),
        linear <= LARGEST_MEMORY ? 'yes' : 'no',
        chain === undefined ? 'none would do' : String(chain.count),
      ]
    })
  return table(['`docs/families/`', 'million weights', 'MB at INT4', 'one memory of 4 GiB', 'isolates'], rows)
}
