// The lines about templates in docs/chat.md come from the results of tools/jinja/compare.ts and bench/templates.ts.

import { existsSync, readFileSync } from 'node:fs'
import { TEMPLATE_LIMIT, type TemplateResult } from '../../bench/lib/template-result.ts'
import type { TemplateCounts } from '../../tools/jinja/counts.ts'

/** The blocks `templates` and `template-speed`. */
export function templateBlocks(counts: string, speed: string): [name: string, text: string][] {
  return [
    ['templates', existsSync(counts) ? countsText(read<TemplateCounts>(counts)) : 'Not compared.'],
    ['template-speed', existsSync(speed) ? speedText(read<TemplateResult>(speed)) : 'Not measured.'],
  ]
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T
}

function countsText(counts: TemplateCounts): string {
  const { templates, conversations, renderedByPython, equal, bothRefuse, refused, differences } = counts
  const percent = (Math.floor((equal / renderedByPython) * 10_000) / 100).toFixed(2)
  const lines = [
    `Of ${number(renderedByPython)} renderings that Python makes of ${templates - counts.templatesRefusedWhenPacking} public templates with ${conversations} conversations, **${percent} %** are equal, character for`,
    `character (\`tools/jinja/compare.ts\`); what Python refuses (${number(bothRefuse)} times) is refused here too${counts.refusedByPythonOnly === 0 ? ', always' : ` but for ${counts.refusedByPythonOnly} times`}. ${differences.length === 0 ? 'No other rendering differs.' : 'The others:'}`,
    ...(differences.length === 0 ? [] : ['', ...differences.map((each) => `- \`${each}\``)]),
    '',
    `${counts.templatesRefusedWhenPacking} of the ${templates} templates are refused when packing, and not counted above: ${refused.map(({ why, templates: of }) => `${of.length} for "${why}"`).join(', ')}.`,
  ]
  return lines.join('\n')
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function speedText({ machine, library, messages, functions, own, corpus }: TemplateResult): string {
  const times = (value: number): string => value.toFixed(2)
  const beside = [
    `A chat of ${messages} messages with ${functions} functions renders in ${own.islet.toFixed(2)} ms, ${times(own.islet / own.library)} times what @huggingface/jinja ${library} takes (${TEMPLATE_LIMIT} at most)`,
    `on ${machine.cpu}, in turns (\`bench/templates.ts\`)`,
  ].join(' ')
  if (corpus === undefined) return `${beside}.`
  return `${beside}; with ${corpus.templates} public templates the median is ${times(corpus.median)} times, a tenth takes more than ${times(corpus.ninetieth)}, the worst ${times(corpus.worst)}.`
}
