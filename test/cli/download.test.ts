// Fetching the model's file: resumed, checked, refused; against a server in this process.

import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { download } from '../../cli/lib/download.ts'
import { ensureModel, fetchArtefact } from '../../cli/lib/pull.ts'

const BYTES = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255))
const ARTEFACT = { bytes: BYTES.length, sha256: createHash('sha256').update(BYTES).digest('hex') }

let server: Server
let folder = ''
let url = ''
/** What the server does and what it was asked. */
let served: { body: Buffer; breakAfter?: number; ranges: boolean; hang?: boolean }
let asked: (string | undefined)[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'islet-download-'))
  server = createServer((request, response) => {
    asked.push(request.headers.range)
    if (served.hang === true) return
    const from = served.ranges ? Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0
    const body = served.body.subarray(from)
    const total = served.body.length
    if (from > 0)
      response.writeHead(206, {
        'content-range': `bytes ${from}-${total - 1}/${total}`,
        'content-length': body.length,
      })
    else response.writeHead(200, { 'content-length': body.length })
    if (served.breakAfter === undefined) {
      response.end(body)
      return
    }
    response.write(body.subarray(0, served.breakAfter), () => setTimeout(() => response.destroy(), 20))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

let path = ''
let count = 0
beforeEach(() => {
  path = join(folder, `file-${count++}`)
  served = { body: BYTES, ranges: true }
  asked = []
})

describe('download', () => {
  it('brings the file and reports progress', async () => {
    const seen: number[] = []
    expect(await download(url, path, ARTEFACT, { onProgress: (done) => seen.push(done) })).toBe(true)
    expect(readFileSync(path).equals(BYTES)).toBe(true)
    expect(seen.at(-1)).toBe(BYTES.length)
    expect(existsSync(`${path}.part`)).toBe(false)
  })

  it('goes on where an earlier run broke off', async () => {
    writeFileSync(`${path}.part`, BYTES.subarray(0, 100_000))
    expect(await download(url, path, ARTEFACT)).toBe(true)
    expect(asked).toEqual(['bytes=100000-'])
    expect(readFileSync(path).equals(BYTES)).toBe(true)
  })

  it('goes on by itself when the connection breaks, and keeps what came when it gives up', async () => {
    served.breakAfter = 120_000
    expect(await download(url, path, ARTEFACT, { attempts: 2 })).toBe(false)
    expect(asked).toEqual([undefined, 'bytes=120000-'])
    expect(readFileSync(`${path}.part`).equals(BYTES.subarray(0, 240_000))).toBe(true)
    served.breakAfter = undefined
    expect(await download(url, path, ARTEFACT)).toBe(true)
    expect(readFileSync(path).equals(BYTES)).toBe(true)
  })

  it('starts again with a server that knows no ranges', async () => {
    served.ranges = false
    writeFileSync(`${path}.part`, Buffer.alloc(1000, 1))
    expect(await download(url, path, ARTEFACT)).toBe(true)
    expect(readFileSync(path).equals(BYTES)).toBe(true)
  })

  it('refuses and deletes other bytes, and more bytes', async () => {
    served.body = Buffer.from(BYTES)
    served.body[5] ^= 1
    await expect(download(url, path, ARTEFACT)).rejects.toMatchObject({ code: 'checksum_mismatch' })
    served.body = Buffer.concat([BYTES, BYTES])
    await expect(download(url, path, ARTEFACT)).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false])
  })

  it('gives up on a silent server and on none at all', async () => {
    served.hang = true
    expect(await download(url, path, ARTEFACT, { timeoutMs: 100 })).toBe(false)
    expect(await download('http://127.0.0.1:1/file', path, ARTEFACT)).toBe(false)
  })
})

describe('pull', () => {
  it('keeps the artefact, and does not fetch it twice', async () => {
    const origin = { ...ARTEFACT, file: `model-${count}.gguf`, url, wheels: [] }
    const log: string[] = []
    const first = await fetchArtefact(origin, folder, (line) => log.push(line))
    expect(await fetchArtefact(origin, folder, (line) => log.push(line))).toBe(first)
    expect(asked).toHaveLength(1)
    expect(log).toHaveLength(1)
    expect(
      await fetchArtefact({ ...origin, file: 'other', url: 'http://127.0.0.1:1/' }, folder, () => undefined),
    ).toBeUndefined()
  })

  it('names what can be pulled when asked for anything else', async () => {
    const asking = ensureModel('gpt-4', { log: () => undefined, models: folder })
    await expect(asking).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('smollm2-135m-instruct') as string,
    })
    await expect(ensureModel('toString', { log: () => undefined, models: folder })).rejects.toMatchObject({
      code: 'model_not_found',
    })
  })
})
