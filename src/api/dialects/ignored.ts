// A reply names what its body asked for without effect, so that nobody counts on it.

import type { CallRule } from '../../protocol/generation.ts'
import { formatOf } from './answer-format.ts'
import { BESIDE_MIROSTAT, byOurNames, type SamplingFields } from './sampling-fields.ts'

type Reasoning = { effort?: string | null; summary?: string | null; generate_summary?: string | null }

type Asked = {
  stream_options?: { include_obfuscation?: boolean | null } | null
  reasoning_effort?: string | null
  reasoning?: Reasoning | null
  output_config?: { effort?: string | null } | null
  thinking?: { type: string } | null
  cache_prompt?: boolean | null
} & SamplingFields

/**
 * The parameters of a checked body that change nothing, by their places; none is no field at all. No model thinks more
 * or less for being asked to, or sums up what it thought.
 */
export function ignoredIn(
  {
    stream_options: options,
    reasoning_effort: effort,
    reasoning,
    output_config: output,
    thinking,
    cache_prompt: cached,
    ...fields
  }: Asked,
  sent: (name: string) => unknown,
  rule?: CallRule,
): { ignored?: string[] } {
  const asks = (value: string | null | undefined): boolean => (value ?? 'none') !== 'none'
  const places: Record<string, boolean> = {
    'stream_options.include_obfuscation': options?.include_obfuscation === true,
    reasoning_effort: asks(effort),
    cache_prompt: cached === false,
    thinking: asks(thinking?.type) && thinking?.type !== 'disabled',
    'output_config.effort': asks(output?.effort),
    'reasoning.effort': asks(reasoning?.effort),
    'reasoning.summary': asks(reasoning?.summary),
    'reasoning.generate_summary': asks(reasoning?.generate_summary),
  }
  const ignored = Object.keys(places).filter((place) => places[place])
  if (fields.mirostat === 2) {
    const said = byOurNames(fields)
    ignored.push(...BESIDE_MIROSTAT.filter((name) => said[name] !== undefined))
  }
  // An answer of calls alone has no text.
  const format = rule?.required === true ? formatOf(sent, []).grammarParam : undefined
  if (format !== undefined) ignored.push(/^(text|output_config)\.format|^\w+/.exec(format)?.[0] ?? format)
  return ignored.length === 0 ? {} : { ignored }
}
