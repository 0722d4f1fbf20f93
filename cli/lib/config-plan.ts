// This file plans a model of which only config.json is there: its spec, and its tensors as packed.

import type { TensorType } from '../../src/formats/dtype.ts'
import type { Facts } from '../../src/models/family.ts'
import { familyOfConfig } from '../../src/models/registry.ts'
import type { ModelSpec } from '../../src/models/spec.ts'
import { plannedParts } from '../../src/packing/pack.ts'
import type { Embedding, Quant } from '../../src/packing/policy.ts'
import type { TensorEntry } from '../../src/weights/manifest.ts'
import { planTensors } from '../../src/weights/plan.ts'

export type ConfigPlan = { spec: ModelSpec; tensors: TensorEntry[]; bytes: number }

/** Plans the checkpoint that a config describes. Throws what reading it as a checkpoint would. */
export function planConfig(config: Facts, quant: Quant, embedding: Embedding = 'auto'): ConfigPlan {
  const family = familyOfConfig(config)
  const spec = family.specFromConfig(config)
  const source = DTYPES.get(String(config.get('torch_dtype') ?? config.get('dtype'))) ?? 'BF16'
  const { entries, bytes } = planTensors(
    family
      .tensors(spec, 'huggingface')
      .flatMap((tensor) => plannedParts({ ...tensor, type: source }, quant, embedding)),
  )
  return { spec, tensors: entries, bytes }
}

const DTYPES: ReadonlyMap<string, TensorType> = new Map([
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
])
