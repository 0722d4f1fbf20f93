// This module finds a free port for a worker of a test, a benchmark or a soak.

import { createServer } from 'node:net'

/**
 * Below the ports that systems give to outgoing connections, from 32768 on: one of those may be taken before
 * the worker listens, or while it is down between a kill and its restart.
 */
const [FIRST, END] = [10_240, 32_768]

/** A port that was free a moment ago, on the loopback address. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST))
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
