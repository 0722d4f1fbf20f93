#!/usr/bin/env bash
# In workerd a DecompressionStream inflates all that it is sent, whether its reader reads or not.
#
# Versions: miniflare 5.20261023.2-beta with the workerd that it pins (1.20261023.1), Node 22 or later.
#
# What one would guess: a pipe has back pressure. A reader that stops after one chunk leaves its source where it is, so that a limit can be
# set by counting what was read.
#
# What happens: in workerd the source is read to its end although nobody reads what comes out, and all of that is held in memory.
#
# Output seen (chunks of 4,096 bytes taken from a source of 100 while its reader read one chunk and waited):
#   100 of 100
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact miniflare@5.20261023.2-beta > npm.log 2>&1 || { cat npm.log; exit 1; }

cat > take.mjs <<'JS'
// How many chunks of a gzip stream are taken while its reader reads one chunk.
export async function take(bytes) {
  let at = 0
  const source = new ReadableStream(
    {
      pull(controller) {
        if (at === bytes.length) return controller.close()
        controller.enqueue(bytes.slice(at, at + 4096))
        at += 4096
      },
    },
    { highWaterMark: 0 },
  )
  const reader = source.pipeThrough(new DecompressionStream('gzip')).getReader()
  await reader.read()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return Math.ceil(at / 4096)
}
JS
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

// Text of few letters: it shrinks, and has no end of the stream before the last chunk.
const text = Buffer.from(randomBytes(640_000).toString('hex'))
const bytes = gzipSync(text).subarray(0, 409_600)
const script = `${readFileSync('take.mjs', 'utf8')}
  export default { async fetch(request) { return new Response(String(await take(new Uint8Array(await request.arrayBuffer())))) } }`
const worker = new Miniflare(convertV4MiniflareOptions({ modules: true, script, compatibilityDate: '2026-10-23' }))
const response = await worker.dispatchFetch('http://localhost/', { method: 'POST', body: bytes })
console.log(`${await response.text()} of ${bytes.length / 4096}`)
await worker.dispose()
JS
node run.mjs 2> workerd.log | tee seen.txt
cat > wanted.txt <<'TXT'
100 of 100
TXT
diff wanted.txt seen.txt
