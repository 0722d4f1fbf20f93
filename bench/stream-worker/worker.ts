// Benchmark only: a Durable Object that copies every weight shard into one preallocated linear memory, and does
// nothing else (no hashes, no engine). GET /load answers when the last byte is in place; the client takes the time.

import { DurableObject } from 'cloudflare:workers'
import type { Manifest } from '../../src/weights/manifest.ts'

type Env = { ASSETS: Fetcher; STREAMER: DurableObjectNamespace<Streamer> }

const PAGE = 65536
const READ_BYTES = 1 << 20

let memory: WebAssembly.Memory | undefined

export class Streamer extends DurableObject<Env> {
  override async fetch(): Promise<Response> {
    const manifest = (await (await this.#asset('manifest.json')).json()) as Manifest
    const total = manifest.shards.reduce((sum, shard) => sum + shard.length, 0)
    const pages = Math.ceil(total / PAGE)
    memory ??= new WebAssembly.Memory({ initial: pages, maximum: pages })
    const target = new Uint8Array(memory.buffer)
    let offset = 0
    for (const shard of manifest.shards) {
      const length = await copy(await this.#asset(shard.file), target, offset)
      if (length !== shard.length) return new Response(`${shard.file}: ${length} bytes`, { status: 500 })
      offset += length
    }
    return Response.json({ bytes: offset, linear_memory_bytes: memory.buffer.byteLength })
  }

  async #asset(file: string): Promise<Response> {
    const response = await this.env.ASSETS.fetch(`http://assets/${file}`)
    if (response.status !== 200) throw new Error(`${file}: status ${response.status}`)
    return response
  }
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '/load') return new Response('ready')
    return await env.STREAMER.get(env.STREAMER.idFromName('one')).fetch(request)
  },
} satisfies ExportedHandler<Env>

/** Copies the body to `target` from `offset`. Returns its length. */
async function copy(response: Response, target: Uint8Array, offset: number): Promise<number> {
  const reader = response.body!.getReader({ mode: 'byob' })
  let buffer = new ArrayBuffer(READ_BYTES)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer))
    if (done || value === undefined) return length
    target.set(value, offset + length)
    length += value.length
    buffer = value.buffer
  }
}
