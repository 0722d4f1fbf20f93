// This module looks for the order of the page's modules in which gzip repeats most, and keeps it in tools/page-order.json.
// Gzip looks back 32 kB and the script is thrice as long, so what is alike should be near. Minutes of chance find some 500 bytes;
// later changes of the page lose few of them: `node tools/page-order.ts 300` is for after large ones.

import { globSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { bundlePage, ORDER, readOrder, smallerPage } from './page.ts'
import { ROOT } from './root.ts'

const seconds = Number(process.argv[2] ?? 300)
const modules = globSync('page/{client,state,views}/**/*.ts', { cwd: ROOT })

const chance = (below: number): number => Math.floor(Math.random() * below)
const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length

function scriptOf(order: readonly string[]): string {
  const { outputFiles = [] } = bundlePage(order)
  return outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? ''
}

/** Takes a module out, or puts one in front of another. */
function changed(order: readonly string[]): string[] {
  const module = modules[chance(modules.length)]
  const others = order.filter((one) => one !== module)
  return chance(8) === 0 ? others : others.toSpliced(chance(others.length + 1), 0, module)
}

/** Keeps each change that makes it smaller by `sizeOf`, until the time is over. */
function searched(begin: readonly string[], sizeOf: (script: string) => number, until: number): string[] {
  let best = [...begin]
  let least = sizeOf(scriptOf(best))
  while (Date.now() < until) {
    const next = changed(best)
    const size = sizeOf(scriptOf(next))
    if (size > least) continue
    best = next
    least = size
  }
  return best
}

const sent = (script: string): number => gzipped(smallerPage(script))
const began = Date.now()
const before = sent(scriptOf(readOrder()))
// What Terser makes of it takes twenty times as long, and decides at the end.
const rough = searched(readOrder(), gzipped, began + 500 * seconds)
const best = searched(rough, sent, began + 1000 * seconds)
const after = sent(scriptOf(best))
if (after < before) writeFileSync(ORDER, `${JSON.stringify(best, null, 2)}\n`)
console.log(`${before} bytes before, ${after} after`)
