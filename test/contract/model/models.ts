// The table of models is what every law of this folder runs over: the real stage on several families, and the models of other tests.

import type { WindowOptions } from '../../../src/cache/window.ts'
import type { LocalModel, Model } from '../../../src/graph/model.ts'
import { factsOf } from '../../../src/models/facts.ts'
import { familyOfConfig } from '../../../src/models/registry.ts'
import { CONFIGS, familySubject, familyTensors, type FamilyName } from '../../helpers/family-model.ts'
import { LaterModel, MockModel } from '../../helpers/mock-model.ts'
import { SpyModel } from '../../helpers/spy-model.ts'
import { load, TINY, type Subject } from '../../helpers/subjects.ts'

/** Positions that a sequence of these tests may have. */
export const LENGTH = 64
export const POOL = 12
const SIZES = { maxRows: 16, maxLogitRows: 8 }

/** What the head makes of a hidden state: (vocab). */
type Head = (hidden: Float32Array) => ArrayLike<number>

export type Implementation = {
  name: string
  open: (window: WindowOptions) => Promise<Model>
  /** Absent where no test knows the head's weights as floats. */
  head?: Head
}

const BY_WIDTH: readonly WindowOptions[] = [
  { window: undefined, sinks: 0 },
  { window: 24, sinks: 4 },
  { window: 21, sinks: 0 },
  { window: 30, sinks: 5, byDepth: [20, 30] },
]

/** By a name for each. */
export const WINDOWS = BY_WIDTH.map((each) => {
  const { window, sinks, byDepth } = each
  return [`window ${byDepth?.join() ?? window ?? 'none'}, sinks ${sinks}`, each] as const
})

const mockHead: Head = (hidden) => new MockModel().head(hidden)

export const MODELS: readonly Implementation[] = [
  { name: 'MockModel', open: async (window) => mock(window), head: mockHead },
  {
    name: 'LaterModel',
    open: async (window) => settling(new LaterModel(mockOptions(window))),
    head: mockHead,
  },
  { name: 'SpyModel of MockModel', open: async (window) => new SpyModel(mock(window)), head: mockHead },
  { name: 'SpyModel of a stage', open: async (window) => new SpyModel(await stage(TINY, window)) },
  { name: 'Stage, tiny', open: (window) => stage(TINY, window) },
  { name: 'Stage, qwen1, INT4', open: (window) => stage(familySubject('qwen1', 'q8'), window) },
  ...(['gemma3', 'baichuan13b'] as const).map((family) => ({
    name: `Stage, ${family}, float32`,
    open: (window: WindowOptions) => stage(familySubject(family), window),
    head: headOf(family),
  })),
]

const mockOptions = (window: WindowOptions) => ({ window, ...SIZES, pageCount: POOL })

function mock(window: WindowOptions): LocalModel {
  return new MockModel(mockOptions(window))
}

async function stage(subject: Subject, window: WindowOptions): Promise<LocalModel> {
  const { maxRows, maxLogitRows } = SIZES
  const sizes = { chunk: maxRows, logitRows: maxLogitRows, pages: POOL, maxPositions: LENGTH }
  return await load(subject, { window, ...sizes })
}

/** The model with its runs settled a moment after they began, whether they come to something or throw. */
function settling(later: LaterModel): Model {
  const { spec, window, maxRows, maxLogitRows, pages, staging, signal } = later
  const run: Model['run'] = (rows) =>
    new Promise((resolve, reject) => {
      Promise.resolve(later.run(rows)).then(resolve, reject)
      queueMicrotask(() => {
        try {
          later.settle()
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  return { spec, window, maxRows, maxLogitRows, pages, staging, signal, run }
}

/** The head of a family's float32 model, by its tensor and in double precision. */
function headOf(name: FamilyName): Head {
  const facts = factsOf(CONFIGS[name])
  const family = familyOfConfig(facts)
  const spec = family.specFromConfig(facts)
  const role = spec.head.tied ? 'embedding' : 'head'
  const tensor = family.tensors(spec, 'huggingface').find((each) => each.role === role)
  const matrix = familyTensors(CONFIGS[name]).find((each) => each.name === tensor?.name)
  if (matrix === undefined) throw new Error(`${name} has no head`)
  const rows = Array.from({ length: spec.vocab }, (_, id) => {
    const row = matrix.values.subarray(id * spec.hidden, (id + 1) * spec.hidden)
    const length = spec.head.normalised ? Math.hypot(...row) : 1
    return Array.from(row, (value) => value / length)
  })
  return (hidden) => rows.map((row) => row.reduce((sum, value, i) => sum + value * hidden[i], 0))
}
