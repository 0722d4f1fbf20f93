// A slow link serves the files of a packed model at a set rate, which all its readers share, and says when the last left.
// What a reader does not take in time is lost to it, as on a wire: only the sockets' own buffers lie between.

import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { BENCH, BenchError } from './setup.ts'

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

/** Writes the configuration in `folder` of a Worker, and of its assets behind `url`, into `to`; gives the arguments of wrangler. */
export function slowConfigs(folder: string, url: string, to: string): string[] {
  const config = readFileSync(join(folder, 'wrangler.toml'), 'utf8')
  const bound = config
    .replace(/^\[assets\]\n(?:\w.*\n)*/m, '[[services]]\nbinding = "ASSETS"\nservice = "slow-assets"\n')
    .replace(/^main = "(.*)"/m, (_, main: string) => `main = ${JSON.stringify(join(folder, main))}`)
  if (!bound.includes('slow-assets')) throw new BenchError(`${folder}/wrangler.toml binds no assets`)
  const slow = join(BENCH, 'slow-assets')
  const assets = readFileSync(join(slow, 'wrangler.toml'), 'utf8')
    .replace('worker.ts', join(slow, 'worker.ts'))
    .replace(/ORIGIN = .*/, `ORIGIN = ${JSON.stringify(url)}`)
  const paths = ['bound.toml', 'assets.toml'].map((name) => join(to, name))
  writeFileSync(paths[0], bound)
  writeFileSync(paths[1], assets)
  return paths.flatMap((path) => ['-c', path])
}
