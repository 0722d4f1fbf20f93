#!/usr/bin/env bash
# instructor for Node sends a schema without fields for a zod 4 object, which its range of peers lets in.
#
# Versions: @instructor-ai/instructor 1.7.0 with openai 4.104.0, and zod 4.6.7 beside zod 3.25.76; Node 20 or later.
#
# What one would guess: the package's peer dependency is zod ">=3.23.8", so a schema of zod 4 is sent as one of zod 3 is.
#
# What happens: with zod 4 the function that the model must call has parameters without any field, and nothing is said about it: a server that
# holds calls to their parameters then promises nothing, and the client refuses what comes back.
#
# Output seen (names of the properties that a local server got for an object of a name and an age):
#   zod 3: name, age
#   zod 4: none
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > run.mjs <<'JS'
import { createServer } from 'node:http'
import Instructor from '@instructor-ai/instructor'
import OpenAI from 'openai'
import { z } from 'zod'

let seen
const server = createServer(async (request, response) => {
  let text = ''
  for await (const piece of request) text += piece
  seen = JSON.parse(text)
  // What is answered is of no interest.
  response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"seen"}}')
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const openai = new OpenAI({ apiKey: 'none', maxRetries: 0, baseURL: `http://127.0.0.1:${server.address().port}/v1` })
const client = Instructor({ client: openai, mode: 'TOOLS' })
const schema = z.object({ name: z.string(), age: z.number() })
await client.chat.completions
  .create({ model: 'm', messages: [{ role: 'user', content: 'Ada is 36.' }], response_model: { schema, name: 'Person' }, max_retries: 0 })
  .catch(() => undefined)
const properties = seen.tools[0].function.parameters.properties ?? {}
console.log(`zod ${process.argv[2]}: ${Object.keys(properties).filter((name) => name !== '_meta').join(', ') || 'none'}`)
server.close()
JS
for version in 3.25.76 4.6.7; do
  mkdir "zod-$version"
  cp run.mjs "zod-$version"
  (
    cd "zod-$version"
    echo '{ "private": true, "type": "module" }' > package.json
    npm install --silent --no-audit --no-fund --save-exact @instructor-ai/instructor@1.7.0 openai@4.104.0 "zod@$version" > npm.log 2>&1 || { cat npm.log; exit 1; }
    node run.mjs "${version%%.*}" 2> client.log
  )
done | tee seen.txt
cat > wanted.txt <<'TXT'
zod 3: name, age
zod 4: none
TXT
diff wanted.txt seen.txt
