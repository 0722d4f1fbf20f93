// A heap sampler asks a running isolate for its heap over wrangler's inspector (Chrome DevTools protocol).

import { setTimeout as sleep } from 'node:timers/promises'

/** Bytes, as Runtime.getHeapUsage counts them; a WebAssembly.Memory is in none of the three. */
export type HeapUsage = { usedSize: number; embedderHeapUsedSize: number; backingStorageSize: number }

export function heapTotal(usage: HeapUsage): number {
  return usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize
}

/** The inspector is not there, or refused. */
export class InspectorError extends Error {}

const WAKE_MS = 100

type Reply = { id?: number; result?: HeapUsage; error?: { message: string } }

/** Samples the heap every `interval` ms from start() to stop(). An isolate busy in WASM answers at its next pause. */
export class HeapSampler {
  readonly samples: HeapUsage[] = []
  readonly #socket: WebSocket
  readonly #interval: number
  #running: Promise<void> = Promise.resolve()
  #stopped = false
  #nextId = 1

  private constructor(socket: WebSocket, interval: number) {
    this.#socket = socket
    this.#interval = interval
  }

  /** Connects to the first target that `GET inspector/json` lists, or to the one called `id`. */
  static async connect(inspector: string, interval: number, id?: string): Promise<HeapSampler> {
    type Target = { id?: string; webSocketDebuggerUrl?: string }
    const targets = (await (await fetch(`${inspector}/json`)).json()) as Target[]
    const isMeant = (target: Target): boolean => id === undefined || target.id === id
    const address = targets.find(
      (target) => target.webSocketDebuggerUrl && isMeant(target),
    )?.webSocketDebuggerUrl
    if (address === undefined)
      throw new InspectorError(`${inspector}/json lists no target${id ? ` ${id}` : ''}`)
    // wrangler's proxy refuses a client without a local Origin; Node's WebSocket takes headers, its types do not say so.
    const options = { headers: { origin: 'http://localhost' } }
    const socket = new WebSocket(address, options as unknown as string[])
    await new Promise<void>((open, fail) => {
      socket.addEventListener('open', () => open(), { once: true })
      socket.addEventListener('error', () => fail(new InspectorError(`cannot connect to ${address}`)), {
        once: true,
      })
    })
    return new HeapSampler(socket, interval)
  }

  /** One sample now. */
  async sample(): Promise<HeapUsage> {
    const usage = await this.#call('Runtime.getHeapUsage')
    this.samples.push(usage)
    return usage
  }

  /** Has all garbage collected, so that the next sample is of what is held. An idle isolate collects when a request comes: `wake` sends one. */
  async collectGarbage(wake: () => Promise<unknown>): Promise<void> {
    let collected = false
    const waking = async (): Promise<void> => {
      while (!collected) {
        await wake()
        await sleep(WAKE_MS)
      }
    }
    const collecting = this.#call('HeapProfiler.collectGarbage').finally(() => (collected = true))
    await Promise.all([collecting, waking()])
  }

  start(): void {
    this.#running = this.#loop()
  }

  /** Ends sampling, takes a last sample and closes. Throws what sampling threw. */
  async stop(): Promise<void> {
    await this.#end()
    this.#socket.close()
  }

  /** As stop(), and gives what is held after a collection (see collectGarbage). */
  async stopAndCollect(wake: () => Promise<unknown>): Promise<HeapUsage> {
    await this.#end()
    await this.collectGarbage(wake)
    const held = await this.#call('Runtime.getHeapUsage')
    this.#socket.close()
    return held
  }

  /** The sample with the largest sum. */
  peak(): HeapUsage {
    return this.samples.reduce((top, usage) => (heapTotal(usage) > heapTotal(top) ? usage : top))
  }

  async #end(): Promise<void> {
    this.#stopped = true
    await this.#running
    await this.sample()
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      await this.sample()
      await sleep(this.#interval)
    }
  }

  async #call(method: 'Runtime.getHeapUsage' | 'HeapProfiler.collectGarbage'): Promise<HeapUsage> {
    const id = this.#nextId++
    return await new Promise<HeapUsage>((done, fail) => {
      const closed = (): void => fail(new InspectorError('the inspector closed the connection'))
      const listen = (event: MessageEvent): void => {
        const reply = JSON.parse(String(event.data)) as Reply
        if (reply.id !== id) return
        this.#socket.removeEventListener('message', listen)
        this.#socket.removeEventListener('close', closed)
        if (reply.result) done(reply.result)
        else fail(new InspectorError(`${method}: ${reply.error?.message}`))
      }
      this.#socket.addEventListener('message', listen)
      this.#socket.addEventListener('close', closed)
      this.#socket.send(JSON.stringify({ id, method }))
    })
  }
}

/** workerd's own inspector, and the isolate that wrangler has taken there. */
export type Runtime = { runtime: string; taken: string }

/** The runtime that a log of wrangler (WRANGLER_LOG is `debug`) tells last; undefined where it tells none. */
export function runtimeIn(log: string): Runtime | undefined {
  const told = [...log.matchAll(/NEW RUNTIME WEBSOCKET (\S+)\/(\S+)/g)].at(-1)
  return told && { runtime: told[1], taken: told[2] }
}

/** Samplers of several scripts of one `wrangler dev`, whose own inspector, `own`, shows the one that it has taken alone. */
export async function samplersOf(
  { own, runtime, taken }: Runtime & { own: string },
  scripts: readonly string[],
  interval: number,
): Promise<HeapSampler[]> {
  // An isolate has one client at a time, and wrangler is that of one of them.
  const connected = (id: string): Promise<HeapSampler> =>
    id === taken ? HeapSampler.connect(own, interval) : HeapSampler.connect(runtime, interval, id)
  return Promise.all(scripts.map((script) => connected(`core:user:${script}`)))
}
