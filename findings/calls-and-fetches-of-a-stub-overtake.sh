#!/usr/bin/env bash
# Calls and fetches of one Durable Object's stub do not keep the order in which they were made: fetches overtake calls.
#
# Versions: miniflare 5.20261023.2-beta with the workerd that it pins (1.20261023.1), Node 22 or later.
#
# What one would guess: a stub delivers in the order of use. All goes to one object by one stub, in one tick, and each kind alone keeps
# its order, so a call that is followed by a fetch has run before it, or at least begun.
#
# What happens: six calls and six fetches made in turns arrive as six fetches, then six calls. An object that is told something by a call
# and asked by fetch does not know it yet, unless the call was awaited.
#
# Output seen:
#   calls alone    c0 c1 c2 c3 c4 c5
#   fetches alone  f0 f1 f2 f3 f4 f5
#   in turns       f0 f1 f2 f3 f4 f5 c0 c1 c2 c3 c4 c5 (made c0 f0 c1 f1 ...)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact miniflare@5.20261023.2-beta > npm.log 2>&1 || { cat npm.log; exit 1; }

cat > run.mjs <<'JS'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const script = `
  import { DurableObject } from 'cloudflare:workers'
  export class Log extends DurableObject {
    seen = []
    note(name) { this.seen.push(name) }
    fetch(request) {
      this.seen.push(new URL(request.url).pathname.slice(1))
      return new Response()
    }
    all() { return this.seen }
  }
  export default {
    async fetch(request, env) {
      const kinds = new URL(request.url).pathname.slice(1)
      const stub = env.LOG.getByName(kinds)
      const made = []
      for (let i = 0; i < 6; i++) {
        if (kinds.includes('c')) made.push(stub.note('c' + i))
        if (kinds.includes('f')) made.push(stub.fetch('http://log/f' + i))
      }
      await Promise.all(made)
      return Response.json(await stub.all())
    },
  }`
const worker = new Miniflare(
  convertV4MiniflareOptions({
    modules: true,
    script,
    compatibilityDate: '2026-10-23',
    durableObjects: { LOG: { className: 'Log', useSQLite: true } },
  }),
)
const url = await worker.ready
const seen = async (kinds) => (await (await fetch(new URL(`/${kinds}`, url))).json()).join(' ')
const calls = await seen('c')
const fetches = await seen('f')
const turns = await seen('cf')
console.log(`calls alone    ${calls}\nfetches alone  ${fetches}\nin turns       ${turns}`)
await worker.dispose()
const isInOrder = calls === 'c0 c1 c2 c3 c4 c5' && fetches === 'f0 f1 f2 f3 f4 f5'
process.exit(isInOrder && turns === `${fetches} ${calls}` ? 0 : 1)
JS
node --no-warnings run.mjs
