// The registry lists all families and finds the one that a checkpoint belongs to.

import { IsletError } from '../lib/errors.ts'
import { baichuan } from './baichuan.ts'
import { chatglm1 } from './chatglm1.ts'
import { chatglm2 } from './chatglm2.ts'
import { cut, show } from './facts.ts'
import type { Facts, Family } from './family.ts'
import { gemma3 } from './gemma3.ts'
import { llama } from './llama.ts'
import { qwen1 } from './qwen1.ts'
import { qwen2 } from './qwen2.ts'
import { qwen3 } from './qwen3.ts'

/** All families, in the order in which documents list them. */
export const FAMILIES: readonly Family[] = [llama, baichuan, chatglm1, chatglm2, qwen1, qwen2, qwen3, gemma3]

/** The family of a config.json, by `model_type` and what the families of one type differ in. */
export function familyOfConfig(config: Facts): Family {
  const type = nameIn(config, 'model_type')
  return find(
    type,
    'model_type',
    (family) => family.modelTypes,
    (family) => family.matches?.(config) ?? true,
  )
}

/** The family of a GGUF file, by `general.architecture`. */
export function familyOfGguf(metadata: Facts): Family {
  const architecture = nameIn(metadata, 'general.architecture')
  return find(architecture, 'general.architecture', (family) => family.architectures)
}

function nameIn(facts: Facts, key: string): string {
  const value = facts.get(key)
  return typeof value === 'string' ? cut(value) : show(value)
}

function find(
  name: string,
  key: string,
  names: (family: Family) => readonly string[],
  matches: (family: Family) => boolean = () => true,
): Family {
  const family = FAMILIES.find((each) => names(each).includes(name) && matches(each))
  if (family !== undefined) return family
  const known = [...new Set(FAMILIES.flatMap(names))].join(', ')
  throw new IsletError('unsupported_format', `${key} is ${name}; these are supported: ${known}`)
}
