#!/usr/bin/env bash
# With a service binding behind workers-ai-provider a timeout of the AI SDK fails every call at once, and a stream ends as an empty text.
#
# Versions: ai 7.0.173, workers-ai-provider 4.0.0, miniflare 5.20261023.2-beta with the workerd that it pins (1.20261023.1), esbuild 0.28.2,
# Node 22 or later.
#
# What one would guess: the provider takes any object with Workers AI's `run`, so a Worker that is bound as a service and has this method will do; `timeout`
# and `abortSignal` then do nothing until they are due.
#
# What happens: the provider hands the AbortSignal to `run` among the options, and RPC refuses to carry one unless both Workers have set a
# compatibility flag, which this date does not imply. The call fails before anything is sent, whatever the timeout. `generateText`
# throws; `textStream` of `streamText` throws nothing and ends after no text: only `onError` hears of it.
#
# Output seen (whole; streamed; what onError heard):
#   no timeout             hello; hello; nothing
#   timeout                AI_APICallError: AbortSignal serialization is not enabled.; nothing; AI_APICallError: AbortSignal serialization is not enabled.
#   timeout, with the flag hello; hello; nothing
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "private": true, "type": "module" }' > package.json
npm install --silent --no-audit --no-fund --save-exact miniflare@5.20261023.2-beta ai@7.0.173 workers-ai-provider@4.0.0 esbuild@0.28.2 \
  > npm.log 2>&1 || { cat npm.log; exit 1; }

# The gateway's sign-in reads files of its user; nothing here uses it.
echo 'export const getVercelOidcToken = async () => ""; export const getContext = () => ({})' > sign-in.mjs

cat > caller.mjs <<'JS'
import { generateText, streamText } from 'ai'
import { createWorkersAI } from 'workers-ai-provider'

const outcome = (work) => work().catch((error) => `${error.name}: ${error.message}`)

export default {
  async fetch(request, env) {
    const model = createWorkersAI({ binding: env.AI })('any')
    const timeout = new URL(request.url).pathname === '/timeout' ? 60_000 : undefined
    const options = { model, prompt: 'Say hello.', maxRetries: 0, timeout }
    let heard = 'nothing'
    const onError = ({ error }) => (heard = String(error))
    const whole = await outcome(async () => (await generateText(options)).text)
    const streamed = await outcome(async () => {
      let text = ''
      for await (const part of streamText({ ...options, onError }).textStream) text += part
      return text || 'nothing'
    })
    return Response.json([whole, streamed, heard])
  },
}
JS

cat > run.mjs <<'JS'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

const { outputFiles } = await build({
  entryPoints: ['caller.mjs'],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'neutral',
  conditions: ['workerd', 'worker'],
  mainFields: ['module', 'main'],
  alias: { '@vercel/oidc': './sign-in.mjs' },
  external: ['node:*', 'cloudflare:*'],
  logLevel: 'error',
})
const service = `
  import { WorkerEntrypoint } from 'cloudflare:workers'
  export class AI extends WorkerEntrypoint {
    run(model, inputs) {
      if (!inputs.stream) return { response: 'hello' }
      return new Response('data: {"response":"hello"}\\n\\ndata: [DONE]\\n\\n').body
    }
  }
  export default { fetch: () => new Response() }`

async function ask(path, flags) {
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          name: 'caller',
          modules: true,
          script: outputFiles[0].text,
          compatibilityDate: '2026-10-23',
          compatibilityFlags: ['nodejs_compat', ...flags],
          serviceBindings: { AI: { name: 'service', entrypoint: 'AI' } },
        },
        { name: 'service', modules: true, script: service, compatibilityDate: '2026-10-23', compatibilityFlags: flags },
      ],
    }),
  )
  const reply = await (await fetch(new URL(path, await worker.ready))).json()
  await worker.dispose()
  return reply.join('; ')
}

const FLAG = 'enable_abortsignal_rpc'
const none = await ask('/', [])
const timeout = await ask('/timeout', [])
const allowed = await ask('/timeout', [FLAG])
console.log(`no timeout             ${none}\ntimeout                ${timeout}\ntimeout, with the flag ${allowed}`)
const error = 'AI_APICallError: AbortSignal serialization is not enabled.'
const well = 'hello; hello; nothing'
process.exit(none === well && timeout === `${error}; nothing; ${error}` && allowed === well ? 0 : 1)
JS
node --no-warnings run.mjs
