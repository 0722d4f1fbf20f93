// The cookbook's programs and the table of real clients come from clients/ and docs/results/clients.json.

import { existsSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { CLIENTS, type Client } from '../../clients/list.ts'
import { COOKBOOK } from '../../clients/programs.ts'
import { KINDS, type ClientResult, type ClientResults, type Kind } from '../../clients/result.ts'
import { table } from '../../tools/markdown.ts'

const FENCES: Record<string, string> = { '.mjs': 'js', '.py': 'python', '.sh': 'sh' }

/** The blocks `cookbook`, `clients`, `clients-in-short` and `client-misses`; without the file nothing was run. */
export function clientBlocks(file: string): [name: string, text: string][] {
  const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ClientResults) : undefined
  return [
    ['cookbook', cookbook()],
    ['clients', results === undefined ? 'Not run: `npm run clients`.' : clientTable(results)],
    ['clients-in-short', results === undefined ? '' : inShort(results)],
    ['client-misses', results === undefined ? 'Not run: `npm run clients`.' : missTable(results)],
  ]
}

/** A heading, the program as it is run, and notes, for each program. */
function cookbook(): string {
  return CLIENTS.flatMap((client) =>
    (client.programs ?? []).map(({ file, title = client.title, notes = [] }) => {
      const text = readFileSync(`${COOKBOOK}/${file}`, 'utf8').trimEnd()
      const install = `\`${client.packages.join(' ')}\``
      return [`## ${title}`, install, `\`\`\`${FENCES[extname(file)]}\n${text}\n\`\`\``, ...notes].join(
        '\n\n',
      )
    }),
  ).join('\n\n')
}

const WORDS: Record<Kind, string> = {
  talk: 'talk',
  object: 'a value',
  forced: 'a call that must come',
  auto: 'tools at will',
  decision: 'a decision',
  embedding: 'vectors',
  errors: 'errors',
  other: 'other',
}

const titleOf = ({ id }: ClientResult): string =>
  CLIENTS.find((client: Client) => client.id === id)?.title ?? id

/** One sentence for the README. */
function inShort({ clients }: ClientResults): string {
  const all = clients.flatMap(({ scenarios }) => scenarios)
  const good = all.filter(({ ok }) => ok).length
  return `${good} of ${all.length} scenarios of ${clients.length} real clients, unmodified, work ([which, and why not the others](docs/clients.md)).`
}

function clientTable({ model, clients }: ClientResults): string {
  const rows = clients.map((client) => [
    `${titleOf(client)} (\`${client.packages[0]}\`)`,
    ...KINDS.map((kind) => {
      const asked = client.scenarios.filter((one) => one.kind === kind)
      return asked.length === 0 ? '' : `${asked.filter(({ ok }) => ok).length} of ${asked.length}`
    }),
    client.program === undefined ? '' : client.program.ok ? 'runs' : 'fails',
  ])
  const all = clients.flatMap(({ scenarios }) => scenarios)
  return [
    `\`${model}\`: ${all.filter(({ ok }) => ok).length} of ${all.length} scenarios of ${clients.length} clients work.`,
    '',
    table(['client', ...KINDS.map((kind) => WORDS[kind]), 'program'], rows),
  ].join('\n')
}

/** A row for each reason of a client, with the scenarios that it explains. */
function missTable({ clients }: ClientResults): string {
  const rows = clients.flatMap((client) => {
    const byReason = new Map<string, string[]>()
    for (const { name, ok, miss, error } of client.scenarios) {
      if (ok) continue
      const reason = miss ?? `not explained: ${error}`
      byReason.set(reason, [...(byReason.get(reason) ?? []), name])
    }
    return [...byReason].map(([reason, names]) => [titleOf(client), reason, names.join('; ')])
  })
  return rows.length === 0 ? 'None.' : table(['client', 'why', 'scenarios'], rows, 3)
}
