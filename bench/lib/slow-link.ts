// A slow link serves the files of a packed model at a set rate, which all its readers share, and says when the last left.
// What a reader does not take in time is lost to it, as on a wire: only the sockets' own buffers lie between.

import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { BenchError } from './setup.ts'

/** One write: 0.65 ms at 100 MB/s. */
const PIECE = 65_536

/** Bytes that wait for a socket: more are not taken from the link. */
const MOST_WAITING = 4 * PIECE

/** What a late timer may make up for, milliseconds. */
const MOST_BEHIND_MS = 10

export type SlowLink = {
  url: string
  /** When the last byte of weights left, by process.hrtime, since `forget`. */
  lastByte(): bigint | undefined
  forget(): void
  stop(): void
}

type Reading = { response: ServerResponse; bytes: Uint8Array; sent: number; isWeights: boolean }

/** Serves `folder` by the names of its files, whatever the path before them; `rate` in bytes a second. */
export async function startSlowLink(folder: string, rate: number): Promise<SlowLink> {
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]))
  let reading: Reading[] = []
  let last: bigint | undefined
  let at = performance.now()
  const server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? ''
    const bytes = files.get(name)
    if (bytes === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-length': bytes.length })
    const one = { response, bytes, sent: 0, isWeights: name.startsWith('weights') }
    reading.push(one)
    response.once('close', () => (reading = reading.filter((other) => other !== one)))
  })
  const pump = (): void => {
    const now = performance.now()
    at = Math.max(at, now - MOST_BEHIND_MS)
    while (at < now) {
      const next = reading.find(({ response }) => response.writableLength < MOST_WAITING)
      // The link idles while nobody takes anything.
      if (next === undefined) return void (at = now)
      const piece = next.bytes.subarray(next.sent, next.sent + PIECE)
      next.sent += piece.length
      at += (piece.length / rate) * 1e3
      next.response.write(piece)
      if (next.sent < next.bytes.length) continue
      next.response.end()
      reading = reading.filter((other) => other !== next)
      if (next.isWeights) last = process.hrtime.bigint()
    }
  }
  const timer = setInterval(pump, 1)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lastByte: () => last,
    forget: () => (last = undefined),
    stop() {
      clearInterval(timer)
      server.closeAllConnections()
      server.close()
    },
  }
}

/**
 * Makes of the Worker in `folder` one whose assets are behind `url`: writes it, and its configuration, into `to`, and gives the
 * arguments of wrangler. It asks the link itself, so that nothing but the link lies between.
 */
export function behindLink(folder: string, url: string, to: string): string[] {
  const config = readFileSync(join(folder, 'wrangler.toml'), 'utf8')
  const [, main] = /^main = "(.*)"/m.exec(config) ?? []
  const [, lane] = /^class_name = "(.*)"/m.exec(config) ?? []
  if (main === undefined || lane === undefined)
    throw new BenchError(`${folder}/wrangler.toml has no main or no class`)
  writeFileSync(
    join(to, 'worker.ts'),
    `import inner, { ${lane} as Inner } from ${JSON.stringify(join(folder, main))}
const assets = (asked) => fetch(new URL(new URL(asked).pathname, ${JSON.stringify(url)}))
const behind = (env) => ({ ...env, ASSETS: { fetch: assets } })
export class ${lane} extends Inner {
  constructor(ctx, env) {
    super(ctx, behind(env))
    this.env = behind(env)
  }
}
export default { fetch: (request, env, ctx) => inner.fetch(request, behind(env), ctx) }
`,
  )
  const path = join(to, 'wrangler.toml')
  writeFileSync(
    path,
    config.replace(/^\[assets\]\n(?:\w.*\n)*/m, '').replace(/^main = .*/m, 'main = "worker.ts"'),
  )
  return ['-c', path]
}
