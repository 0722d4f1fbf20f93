// A logging proxy stands between clients and worker, and keeps what each client sent.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'

/** One request as the client sent it; `body` is undefined where it was not JSON. */
export type Exchange = { method: string; path: string; body: unknown; status: number }

export type Proxy = {
  url: string
  /** What was sent since the last call, in order. */
  take: () => Exchange[]
  stop: () => void
}

/** The first connection that brings a value of this header is broken, as a network does it. */
const BREAK_ONCE = 'x-break-once'

/** Headers that belong to one connection, or that fetch writes itself. */
const OWN_HEADERS = ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding', 'expect']

/** Serves on a free port of this machine whatever `target` answers. */
export async function startProxy(target: string): Promise<Proxy> {
  let exchanges: Exchange[] = []
  const broken = new Set<string>()
  const server = createServer((request, response) => {
    const forward = async (): Promise<void> => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const sent = Buffer.concat(chunks)
      const { method = 'GET', url: path = '/' } = request
      const breakOnce = request.headers[BREAK_ONCE]
      if (typeof breakOnce === 'string' && !broken.has(breakOnce)) {
        broken.add(breakOnce)
        response.destroy()
        return
      }
      const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
        value === undefined || OWN_HEADERS.includes(name) ? [] : [[name, String(value)]],
      )
      const left = new AbortController()
      response.once('close', () => left.abort())
      const answer = await fetch(`${target}${path}`, {
        method,
        headers,
        body: sent.length === 0 ? undefined : sent,
        signal: left.signal,
      })
      exchanges.push({ method, path, body: parsed(sent.toString()), status: answer.status })
      const back = [...answer.headers].filter(
        ([name]) => name !== 'content-encoding' && !OWN_HEADERS.includes(name),
      )
      response.writeHead(answer.status, Object.fromEntries(back))
      if (answer.body === null) response.end()
      else Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]).on('error', () => response.destroy()).pipe(response) // prettier-ignore
    }
    forward().catch(() => response.destroy())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const taken = exchanges
      exchanges = []
      return taken
    },
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
