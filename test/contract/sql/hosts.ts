// The table of hosts is what every law of Sql runs over: Node's SQLite as tests use it, and a Durable Object's in workerd.

import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { nodeSql } from '../../helpers/node-sql.ts'
import { COUNTED, LAWS } from './laws.ts'

export type Host = {
  name: string
  laws: readonly string[]
  /** Gives the way to run a law, by its name, on an empty database; it throws where the law is broken. */
  start: () => Promise<{ run: (law: string) => Promise<void>; stop: () => Promise<void> }>
}

export const HOSTS: readonly Host[] = [
  {
    name: 'node:sqlite',
    laws: Object.keys(LAWS),
    start: async () => ({ run: async (law) => LAWS[law](nodeSql()), stop: async () => undefined }),
  },
  { name: "a Durable Object's SQLite", laws: Object.keys({ ...LAWS, ...COUNTED }), start: startObjects },
]

async function startObjects(): ReturnType<Host['start']> {
  const { outputFiles } = await build({
    entryPoints: [new URL('laws-worker.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:workers', 'node:*'],
    sourcemap: 'inline',
  })
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: outputFiles[0].text,
      compatibilityDate: '2026-10-23',
      compatibilityFlags: ['nodejs_compat'],
      durableObjects: { LAWS: { className: 'LawObject', useSQLite: true } },
    }),
  )
  const url = await worker.ready
  return {
    async run(law) {
      const response = await fetch(new URL(`?${new URLSearchParams({ law }).toString()}`, url))
      const broken = await response.text()
      if (broken !== '') throw new Error(`in workerd: ${broken}`)
    },
    stop: () => worker.dispose(),
  }
}
