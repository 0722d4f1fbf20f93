#!/usr/bin/env bash
# LangChain's bindTools sends a forced tool choice over chat completions, and leaves it out over responses.
#
# Versions: @langchain/openai 1.6.0, @langchain/core 1.4.0, zod 4.6.7, Node 20 or later.
#
# What one would guess: bindTools([...], { tool_choice }) means the same over both APIs of OpenAI, which both have `tool_choice`.
#
# What happens: over chat completions "any" and "required" both go out as "required". Over responses (useResponsesApi) neither goes out at
# all, so that the server is left with its default, "auto", and may answer with text; a choice that names a tool is sent.
#
# Output seen (tool_choice of the body that a local server got):
#   chat any: "required"
#   chat required: "required"
#   responses any: absent
#   responses required: absent
#   responses lookup: {"type":"function","name":"lookup"}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact @langchain/openai@1.6.0 @langchain/core@1.4.0 zod@4.6.7 > npm.log 2>&1 || { cat npm.log; exit 1; }

cat > run.mjs <<'JS'
import { createServer } from 'node:http'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import * as z from 'zod'

let seen
const server = createServer(async (request, response) => {
  let text = ''
  for await (const piece of request) text += piece
  seen = JSON.parse(text)
  // What is answered is of no interest.
  response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"seen"}}')
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const lookup = tool(() => 'found', { name: 'lookup', description: 'Looks a word up.', schema: z.object({ word: z.string() }) })

for (const [api, choice] of [['chat', 'any'], ['chat', 'required'], ['responses', 'any'], ['responses', 'required'], ['responses', 'lookup']]) {
  const model = new ChatOpenAI({
    model: 'm',
    apiKey: 'none',
    maxRetries: 0,
    useResponsesApi: api === 'responses',
    configuration: { baseURL: `http://127.0.0.1:${server.address().port}/v1` },
  })
  seen = undefined
  await model.bindTools([lookup], { tool_choice: choice }).invoke('hello').catch(() => undefined)
  console.log(`${api} ${choice}: ${JSON.stringify(seen.tool_choice) ?? 'absent'}`)
}
server.close()
JS
node run.mjs | tee seen.txt
cat > wanted.txt <<'TXT'
chat any: "required"
chat required: "required"
responses any: absent
responses required: absent
responses lookup: {"type":"function","name":"lookup"}
TXT
diff wanted.txt seen.txt
