// This module looks for the order of the page's modules in which gzip repeats most, and keeps it in tools/page-order.json.
// Gzip looks back 32 kB and the script is thrice as long, so what is alike should be near. Minutes of chance find some 600 bytes,
// and later changes of the page lose few of them: `node tools/page-order.ts 300` is for after large ones.

import { transformSync } from 'esbuild'
import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { bundlePage, ORDER, readOrder, smallerPage } from './page.ts'

/** A module with what it is in the script, and the modules that must be in front of it. */
type Part = { path: string; text: string; needs: string[] }

const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length
const chance = (below: number): number => Math.floor(Math.random() * below)

function scriptOf(order: readonly string[], more = {}): string {
  const { outputFiles = [] } = bundlePage(order, more)
  return outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? ''
}

/** The parts of the script as esbuild makes it, which names each in front of it; a package belongs to the module behind it. */
function partsOf(order: readonly string[]): Part[] {
  const named = scriptOf(order, { minify: false, minifySyntax: true, minifyIdentifiers: true })
  const { metafile } = bundlePage(order)
  const [, ...pieces] = named.split(/^\/\/ ((?:page|node_modules)\/.*)\n/m)
  const parts: Part[] = []
  let before = ''
  for (let at = 0; at < pieces.length; at += 2) {
    const path = pieces[at]
    const text = before + transformSync(pieces[at + 1], { minifyWhitespace: true }).code
    before = path.startsWith('page/') ? '' : text
    if (before) continue
    const needs = metafile!.inputs[path].imports.map((one) => one.path)
    parts.push({ path, text, needs })
  }
  return parts
}

/** Another place for a part, behind those that it needs and in front of those that need it. */
function moved(parts: readonly Part[]): Part[] {
  const part = parts[chance(parts.length)]
  const others = parts.filter((one) => one !== part)
  const from = others.findLastIndex(({ path }) => part.needs.includes(path)) + 1
  const first = others.findIndex(({ needs }) => needs.includes(part.path))
  const to = first < 0 ? others.length : first
  return others.toSpliced(from + chance(to - from + 1), 0, part)
}

/** Keeps each move that makes it no larger by `sizeOf`, until a time. */
function searched(begin: Part[], sizeOf: (parts: readonly Part[]) => number, until: number): Part[] {
  let best = begin
  let least = sizeOf(begin)
  while (Date.now() < until) {
    const next = moved(best)
    const size = sizeOf(next)
    if (size > least) continue
    best = next
    least = size
  }
  return best
}

const orderOf = (parts: readonly Part[]): string[] => parts.map(({ path }) => path)
const sent = (parts: readonly Part[]): number => gzipped(smallerPage(scriptOf(orderOf(parts))))
const roughly = (parts: readonly Part[]): number => gzipped(parts.map(({ text }) => text).join(''))

const [began, seconds] = [Date.now(), Number(process.argv[2] ?? 300)]
const before = partsOf(readOrder())
// Hundreds of moves a second, by pieces alone; then few, by what Terser makes of them.
const rough = searched(before, roughly, began + 200 * seconds)
const begin = sent(rough) < sent(before) ? rough : before
const best = searched(begin, sent, began + 1000 * seconds)
console.log(`${sent(before)} bytes before, ${sent(best)} after`)
writeFileSync(ORDER, `${JSON.stringify(orderOf(best), null, 2)}\n`)
