// A template result is what bench/templates.ts keeps: how long a rendering takes here and in the library.

import type { Machine } from './results.ts'

/** Our rendering may take so many times what the library's takes. */
export const TEMPLATE_LIMIT = 1.5

export type TemplateResult = {
  machine: Machine
  /** The version of @huggingface/jinja. */
  library: string
  messages: number
  functions: number
  /** Of bench/prompts/hermes.jinja: medians, in milliseconds, and all rounds of each side in their order. */
  own: { library: number; islet: number; rounds: { library: number[]; islet: number[] } }
  /** Public templates that both render: ours in times of the library's, each template once. */
  corpus?: { templates: number; median: number; tenth: number; ninetieth: number; worst: number }
}
