// This table holds the built-in chat formats by name; there is no other list.

import type { BuiltinFormat } from '../../weights/manifest.ts'
import { baichuan1, baichuan2 } from './baichuan.ts'
import { chatglm1, chatglm2 } from './chatglm-rounds.ts'
import { chatglm3 } from './chatglm3.ts'
import type { Format } from './format.ts'
import { llama2 } from './llama2.ts'
import { qwen1, qwen1React } from './qwen1.ts'

export const FORMATS: Readonly<Record<BuiltinFormat, Format>> = {
  llama2,
  baichuan1,
  baichuan2,
  chatglm1,
  chatglm2,
  chatglm3,
  qwen1,
  'qwen1-react': qwen1React,
}
