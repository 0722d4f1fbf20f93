// The counts of a comparison with Python are what docs/results/templates.json holds.

/** How a rendering came out. What Python refuses we may refuse in other words. */
export const KINDS = [
  'equal',
  'bothRefuse',
  'differs',
  'refusedHereOnly',
  'refusedByPythonOnly',
  'refusedWhenPacking',
] as const
export type Kind = (typeof KINDS)[number]

export type TemplateCounts = Record<Kind, number> & {
  templates: number
  templatesRefusedWhenPacking: number
  templatesWithDifferences: number
  conversations: number
  /** Of templates that packing takes: the others serve no chat. */
  renderedByPython: number
  equalPercent: number
  /** Why packing refuses templates, without the line, and which. */
  refused: { why: string; templates: string[] }[]
  /** Each rendering that differs: the template, the conversation, what the conversation is, and the kind. */
  differences: string[]
}
