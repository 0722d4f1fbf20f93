// The families as the documents list them: a real config each (docs/families), and what our logits were held against.

import { readFileSync } from 'node:fs'
import { planConfig, type ConfigPlan } from '../../cli/lib/config-plan.ts'
import { factsOf } from '../../src/models/facts.ts'
import type { RoleTensor } from '../../src/models/family.ts'
import { familyOfConfig } from '../../src/models/registry.ts'
import { ROOT } from '../../tools/root.ts'

export type ListedFamily = {
  name: string
  /** A config of docs/families. */
  config: string
  /** Folders of the reference data. */
  goldens: readonly string[]
  /** The code that made the expected logits, at a commit or a release. */
  original: string
}

const TRANSFORMERS = 'transformers 5.23.0'

export const LISTED: readonly ListedFamily[] = [
  {
    name: 'LLaMA',
    config: 'llama-7b',
    goldens: ['llama1'],
    original: `${TRANSFORMERS}, and within 1e-5 of it meta-llama/llama@689c7f2`,
  },
  {
    name: 'LLaMA 2, SmolLM2, TinyLlama',
    config: 'llama2-70b',
    goldens: ['llama2'],
    original: `${TRANSFORMERS}, and within 1e-5 of it meta-llama/llama@689c7f2`,
  },
  { name: 'Mistral', config: 'mistral-7b', goldens: ['mistral'], original: TRANSFORMERS },
  {
    name: 'Baichuan-7B',
    config: 'baichuan-7b',
    goldens: ['baichuan1-7b'],
    original: 'baichuan-inc/Baichuan-7B@6f3ef46',
  },
  {
    name: 'Baichuan-13B',
    config: 'baichuan1-13b',
    goldens: ['baichuan1-13b', 'baichuan1-13b-40l'],
    original: 'modeling_baichuan.py of Baichuan-13B-Chat (Mrgengli/baichuan_python@bac52bf)',
  },
  {
    name: 'Baichuan2-7B',
    config: 'baichuan2-7b',
    goldens: ['baichuan2-7b', 'baichuan2-7b-32l'],
    original: 'modeling_baichuan.py of Baichuan2-7B-Chat (pandong2011/Baichuan2@ad4d81e)',
  },
  {
    name: 'Baichuan2-13B',
    config: 'baichuan2-13b',
    goldens: ['baichuan2-13b'],
    original: 'modeling_baichuan.py of Baichuan2-13B-Chat (jrd77/Baichuan2-13B-Chat@d022d72)',
  },
  {
    name: 'ChatGLM-6B',
    config: 'chatglm-6b',
    goldens: ['chatglm1', 'chatglm1-28l'],
    original: 'modeling_chatglm.py of ChatGLM-6B (greensheng/chatglm-6b@8b7d335)',
  },
  {
    name: 'ChatGLM2-6B',
    config: 'chatglm2-6b',
    goldens: ['chatglm2'],
    original: 'modeling_chatglm.py of ChatGLM2-6B (syjjhl/chatglm2-6b@8fd7fba)',
  },
  {
    name: 'ChatGLM3-6B',
    config: 'chatglm3-6b',
    goldens: ['chatglm3'],
    original: 'modeling_chatglm.py of ChatGLM3-6B (czk1997/chatglm3-copy@456aa87)',
  },
  {
    name: 'Qwen, first generation',
    config: 'qwen-7b',
    goldens: ['qwen1'],
    original: 'modeling_qwen.py of Qwen-7B (zhangningboo/Qwen-7B@ffe04dd)',
  },
  { name: 'Qwen 1.5, 2, 2.5', config: 'qwen2.5-0.5b', goldens: ['qwen2'], original: TRANSFORMERS },
  { name: 'Qwen 3, dense', config: 'qwen3-0.6b', goldens: ['qwen3'], original: TRANSFORMERS },
  { name: 'Gemma 3, text', config: 'gemma3-1b', goldens: ['gemma3'], original: TRANSFORMERS },
]

/** A model of docs/families, planned at INT4 as `islet inspect` does; `stored` says where its tensors lie in a checkpoint. */
export function listedModel(config: string): ConfigPlan & { stored: RoleTensor[] } {
  const facts = factsOf(JSON.parse(readFileSync(`${ROOT}docs/families/${config}.json`, 'utf8')) as object)
  const plan = planConfig(facts, 'q4')
  return { ...plan, stored: familyOfConfig(facts).tensors(plan.spec, 'huggingface') }
}
