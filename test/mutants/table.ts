// The table of planted bugs shows each with its file and fate, by room.

import type { Mutant } from './list.ts'

export type Fate = 'caught' | 'equivalent' | 'SURVIVED' | 'DOES NOT COMPILE'

type Row = readonly [mutant: Mutant, fate: Fate]

/** Where the scores of a mutation tool begin, which are written by hand behind the tables. */
const TOOL = '## Made by a tool'

/** docs/mutants.md, in Markdown. What stands in the old `page` of a mutation tool stays. */
export function mutantTable(rows: readonly Row[], page = ''): string {
  const count = (fate: Fate): number => rows.filter(([, own]) => own === fate).length
  const bad = count('SURVIVED') + count('DOES NOT COMPILE')
  const rooms = Map.groupBy(rows, ([{ file }]) => roomOf(file))
  return [
    '# Planted bugs',
    '',
    '<!-- Written by `node test/mutants/plant.ts`. -->',
    '',
    `Of ${rows.length} small bugs, planted one at a time, ${count('caught')} turn one of the nearest tests red, ` +
      `${count('equivalent')} change nothing that could be observed, ${bad} go unnoticed.`,
    'They are hasty edits that matter: a border moved by one, a tenant or a seed lost, a check dropped, arguments swapped. ' +
      '[test/mutants/mutants.json](../test/mutants/mutants.json) has the edits, and which tests are run for each.',
    ...[...rooms].flatMap(([room, own]) => [
      '',
      `## ${room}`,
      '',
      '| bug | file | fate |',
      '|---|---|---|',
      ...own.map(line),
    ]),
    '',
    ...(page.includes(TOOL) ? [page.slice(page.indexOf(TOOL))] : []),
  ].join('\n')
}

function line([{ id, file, equivalent }, fate]: Row): string {
  return `| ${id} | \`${file}\` | ${equivalent === undefined ? fate : `equivalent: ${equivalent}`} |`
}

/** `src/lane`, `assembly`, `cli`. */
function roomOf(file: string): string {
  const [top, room, ...rest] = file.split('/')
  return top === 'src' && rest.length > 0 ? `${top}/${room}` : top
}
