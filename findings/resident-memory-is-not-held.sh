#!/usr/bin/env bash
# workerd's resident memory rises with every request to a worker that keeps nothing, and stands still where all isolates are collected.
#
# Versions: miniflare 5.20261023.2-beta with the workerd that it pins (1.20261023.1), hono 4.13.19, esbuild 0.28.2, Node 22 or later, Linux (/proc).
#
# What one would guess: a process that has grown by 20 KB for each of 3,000 requests, in a straight line, leaks something for each request,
# and a worker that grows more than a ten-line one keeps something of its own.
#
# What happens: nothing is kept. A request's garbage waits for a full collection, of which there are few in some thousand requests: the
# larger the heap may get, the fewer. How steep the line is tells how much garbage a request makes and when it is collected. Where every
# isolate of the process is collected now and then, Miniflare's own entry worker too, memory stands still after the first 1,500 requests,
# for a worker that answers by itself and for one that copies a stream out of an object's RPC. What a collection frees the allocator keeps
# for the next. So compare `Runtime.getHeapUsage` after `HeapProfiler.collectGarbage`, not the process.
#
# Output seen (KB of resident memory a request, of 3,000; the second half of them; and what the heap holds after a collection):
#   hono    left       19.8, 19.9; held 28 KB more
#   hono    collected  2.1, 0.0; held 14 KB more
#   stream  left       21.1, 19.8; held -19 KB more
#   stream  collected  3.1, 0.1; held -42 KB more
# `left`: V8 collects when it likes; `collected`: every 750 requests.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact miniflare@5.20261023.2-beta hono@4.13.19 esbuild@0.28.2 > npm.log 2>&1 || { cat npm.log; exit 1; }

cat > run.mjs <<'JS'
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const REQUESTS = 3000
const [name, mode] = process.argv.slice(2)

const scripts = {
  hono: `
    import { Hono } from 'hono'
    const app = new Hono()
    app.post('/', async (c) => c.json(await c.req.json()))
    export default app`,
  stream: `
    import { DurableObject } from 'cloudflare:workers'
    const encoder = new TextEncoder()
    export class Source extends DurableObject {
      answer({ pieces }) {
        let sent = 0
        return new ReadableStream({
          pull(controller) {
            if (sent++ === pieces) controller.close()
            else controller.enqueue(encoder.encode('x'.repeat(100)))
          },
        }, { highWaterMark: 0 })
      }
    }
    export default {
      async fetch(request, env) {
        const stream = await env.SOURCE.getByName('one').answer(await request.json())
        return new Response(await new Response(stream).text())
      },
    }`,
}
const { outputFiles } = await build({
  stdin: { contents: scripts[name], resolveDir: '.' },
  bundle: true, write: false, format: 'esm', external: ['cloudflare:workers'],
})
const worker = new Miniflare(
  convertV4MiniflareOptions({
    modules: true,
    script: outputFiles[0].text,
    compatibilityDate: '2026-10-23',
    inspectorPort: 0,
    ...(name === 'stream' && { durableObjects: { SOURCE: { className: 'Source', useSQLite: true } } }),
  }),
)
const url = await worker.ready
const inspector = await worker.getInspectorURL()

const status = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
const pid = readdirSync('/proc').find((id) => {
  const text = /^\d+$/.test(id) ? status(id) : ''
  return text.startsWith('Name:\tworkerd') && text.includes(`PPid:\t${process.pid}\n`)
})
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(status(pid))[1])

const body = JSON.stringify({ pieces: 5 })
const ask = async () => (await fetch(url, { method: 'POST', body })).text()
const requests = (count) =>
  Promise.all(Array.from({ length: 4 }, async () => { for (let i = 0; i < count / 4; i++) await ask() }))

/** Collects in the worker's isolate and in Miniflare's own; gives what the worker's heap holds then, in KB. */
async function collect() {
  const targets = await (await fetch(new URL('/json', inspector.href.replace(/^ws/, 'http')))).json()
  let held
  for (const { title, webSocketDebuggerUrl } of targets.filter(({ title }) => /core:(user|entry)/.test(title))) {
    const socket = new WebSocket(webSocketDebuggerUrl, { headers: { origin: 'http://localhost' } })
    await new Promise((open) => socket.addEventListener('open', open))
    const call = async (id, method) => {
      let result
      socket.addEventListener('message', ({ data }) => {
        const reply = JSON.parse(data)
        if (reply.id === id) result = reply.result
      })
      socket.send(JSON.stringify({ id, method }))
      // An idle isolate answers when a request comes.
      for (; result === undefined; await sleep(20)) await ask()
      return result
    }
    await call(1, 'HeapProfiler.collectGarbage')
    await call(2, 'HeapProfiler.collectGarbage')
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await call(3, 'Runtime.getHeapUsage')
    if (title.includes('core:user')) held = (usedSize + embedderHeapUsedSize + backingStorageSize) / 1024
    socket.close()
  }
  return held
}

await requests(400)
const before = await collect()
const marks = [resident()]
for (let part = 0; part < 4; part++) {
  await requests(REQUESTS / 4)
  if (mode === 'collected') await collect()
  marks.push(resident())
}
const all = (marks[4] - marks[0]) / REQUESTS
const late = (marks[4] - marks[2]) / (REQUESTS / 2)
const held = (await collect()) - before
console.log(`${name.padEnd(7)} ${mode.padEnd(10)} ${all.toFixed(1)}, ${late.toFixed(1)}; held ${held.toFixed(0)} KB more`)
const isAsSaid = held < 300 && (mode === 'collected' ? late < 1.5 : all > 6)
process.exit(isAsSaid ? 0 : 1)
JS
for name in hono stream; do
  for mode in left collected; do node --no-warnings run.mjs "$name" "$mode"; done
done
