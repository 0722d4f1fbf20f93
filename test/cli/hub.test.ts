// A model whose size and SHA-256 the hub names: asked, fetched by redirect, checked and kept; against a hub and its storage
// in this process. A small Gemma stands for the real one.

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { askHub } from '../../cli/lib/hub.ts'
import { readManifest } from '../../cli/lib/model.ts'
import { ensureModel, outOfReach } from '../../cli/lib/pull.ts'
import { isUserCode } from '../../src/lib/errors.ts'

const NAME = 'gemma-3-270m-it'
const FILE = 'gemma-3-270m-it-Q4_K_M.gguf'
const BYTES = readFileSync(new URL('../golden/gemma3/model-q4_0.gguf', import.meta.url))
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
const COMMIT = '0123456789abcdef0123456789abcdef01234567'
const LINKED = { 'x-linked-size': String(BYTES.length), 'x-linked-etag': `"${SHA256}"` }
const PATH = `/unsloth/gemma-3-270m-it-GGUF/resolve/main/${FILE}`

type Reply = { status?: number; headers: Record<string, string> }

/** What hub and storage do; `moved` is where the hub now has the repository. */
let served: { reply: Reply; storage: Buffer; storageHeaders: Record<string, string>; moved?: string }
let down: boolean
/** Who was asked for what. */
let asked: string[]

let hub: Server
let storage: Server
let [hubUrl, storageUrl] = ['', '']

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  hub = createServer((request, response) => {
    asked.push(`hub ${request.method}`)
    const { reply, moved } = served
    if (down) response.destroy()
    else if (moved !== undefined && request.url === PATH) response.writeHead(307, { location: moved }).end()
    else if (request.url === PATH || request.url === moved)
      response.writeHead(reply.status ?? 302, { location: `${storageUrl}/blob`, ...reply.headers }).end()
    else response.writeHead(404).end()
  })
  storage = createServer((request, response) => {
    asked.push(`storage ${request.method} ${request.headers.range ?? 'all'}`)
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const total = served.storage.length
    const range = { 'content-range': `bytes ${from}-${total - 1}/${total}` }
    response.writeHead(from > 0 ? 206 : 200, { ...served.storageHeaders, ...(from > 0 && range) })
    response.end(served.storage.subarray(from))
  })
  hubUrl = await listening(hub)
  storageUrl = await listening(storage)
})
afterAll(() => {
  for (const server of [hub, storage]) {
    server.closeAllConnections()
    server.close()
  }
})

let models = ''
let cached = ''
beforeEach(() => {
  models = mkdtempSync(join(tmpdir(), 'islet-hub-'))
  cached = join(models, '.cache', FILE)
  served = { reply: { headers: { ...LINKED, 'x-repo-commit': COMMIT } }, storage: BYTES, storageHeaders: {} }
  down = false
  asked = []
  return () => rmSync(models, { recursive: true, force: true })
})

const log: string[] = []
const pull = (name = NAME, from = hubUrl) =>
  ensureModel(name, { models, hub: from, log: (line) => log.push(line) })

/** Makes the next pull need the cached file. */
function unpack(): void {
  rmSync(join(models, NAME), { recursive: true })
  asked = []
}

const flipped = (): Buffer => {
  const other = Buffer.from(BYTES)
  other[other.length - 40] ^= 1
  return other
}

describe('a model that the hub has alone', () => {
  it('is asked for, fetched from where the hub sends on to, checked and packed', async () => {
    expect(await pull()).toBe('pulled')
    expect(asked).toEqual(['hub HEAD', 'hub GET', 'storage GET all'])
    expect(readFileSync(cached).equals(BYTES)).toBe(true)
    expect((await readManifest(join(models, NAME))).id).toBe(NAME)
    expect(JSON.parse(readFileSync(`${cached}.json`, 'utf8'))).toEqual({
      url: `${hubUrl}${PATH}`,
      bytes: BYTES.length,
      sha256: SHA256,
      commit: COMMIT,
    })
    expect(log.at(-1)).toContain(SHA256)
    expect(await pull()).toBe('present')
    expect(asked).toHaveLength(3)
  })

  it('is packed again without a network, by what the hub said before', async () => {
    await pull()
    unpack()
    down = true
    expect(await pull()).toBe('pulled')
    expect(asked).toEqual([])
  })

  it('is fetched again if the cached file is damaged', async () => {
    await pull()
    unpack()
    writeFileSync(cached, flipped())
    down = true
    expect(await pull()).toBe('unreachable')
    expect(existsSync(join(models, NAME))).toBe(false)
    down = false
    expect(await pull()).toBe('pulled')
    expect(readFileSync(cached).equals(BYTES)).toBe(true)
  })

  it('is not fetched again if only what the hub said is lost, or cut short', async () => {
    await pull()
    for (const lose of [unlinkSync, (file: string) => writeFileSync(file, '{"url":')]) {
      unpack()
      lose(`${cached}.json`)
      expect(await pull()).toBe('pulled')
      expect(asked).toEqual(['hub HEAD'])
    }
  })

  it('goes on where it broke off, but not with bytes of another file', async () => {
    await pull()
    unpack()
    unlinkSync(cached)
    writeFileSync(`${cached}.part`, BYTES.subarray(0, 1000))
    expect(await pull()).toBe('pulled')
    expect(asked).toEqual(['hub HEAD', 'hub GET', 'storage GET bytes=1000-'])

    unpack()
    unlinkSync(cached)
    writeFileSync(`${cached}.part`, BYTES.subarray(0, 1000))
    served.storage = flipped()
    const sha256 = createHash('sha256').update(served.storage).digest('hex')
    served.reply.headers['x-linked-etag'] = `"${sha256}"`
    expect(await pull()).toBe('pulled')
    expect(asked.at(-1)).toBe('storage GET all')
  })

  it('is refused and deleted if other bytes come', async () => {
    served.storage = flipped()
    await expect(pull()).rejects.toMatchObject({ code: 'checksum_mismatch' })
    expect(existsSync(cached) || existsSync(`${cached}.part`) || existsSync(join(models, NAME))).toBe(false)
    served.storage = BYTES
    expect(await pull()).toBe('pulled')
  })

  it('is found in a repository that has another name now', async () => {
    served.moved = '/unsloth/renamed/file'
    expect(await pull()).toBe('pulled')
    expect(asked.slice(0, 2)).toEqual(['hub HEAD', 'hub HEAD'])
    served.moved = PATH
    await expect(askHub(`${hubUrl}${PATH}`)).rejects.toMatchObject({ code: 'internal_error' })
  })
})

describe('a reply that names no size and SHA-256', () => {
  const { 'x-linked-size': size, 'x-linked-etag': etag } = LINKED
  it.each<[string, Reply, RegExp]>([
    ['neither', { headers: {} }, /HTTP 302, x-linked-size missing, x-linked-etag missing/],
    ['no such file', { status: 404, headers: {} }, /HTTP 404/],
    ['no size', { headers: { 'x-linked-etag': etag } }, /x-linked-size missing/],
    ['a size of no bytes', { headers: { ...LINKED, 'x-linked-size': '0' } }, /x-linked-size 0/],
    ['no ETag', { headers: { 'x-linked-size': size } }, /x-linked-etag missing/],
    ["Git's SHA-1", { headers: { ...LINKED, 'x-linked-etag': `"${COMMIT}"` } }, /x-linked-etag "0123/],
    ['a weak ETag', { headers: { ...LINKED, 'x-linked-etag': `W/${etag}` } }, /x-linked-etag W/],
  ])('%s: nothing is fetched', async (_, reply, says) => {
    served.reply = reply
    // The storage would say what the hub does not.
    served.storageHeaders = LINKED
    const message = expect.stringMatching(says) as string
    await expect(pull()).rejects.toMatchObject({ code: 'internal_error', message })
    expect(asked).toEqual(['hub HEAD'])
    expect(readdirSync(models, { recursive: true })).toEqual(['.cache'])
  })
})

describe('without a network', () => {
  it('the model is out of reach, and what is said names the hub alone', async () => {
    expect(await pull(NAME, 'http://127.0.0.1:1')).toBe('unreachable')
    served.reply = { status: 503, headers: {} }
    expect(await pull()).toBe('unreachable')
    const [alone, other] = [outOfReach(NAME), outOfReach('gemma-3-270m')]
    expect(isUserCode(alone.code)).toBe(false)
    expect(alone.code).toBe(other.code)
    expect(alone.message).toMatch(
      /^gemma-3-270m-it is out of reach: .* the hub alone; run this again with a network$/,
    )
    expect(other.message).toMatch(/^gemma-3-270m is out of reach: .* package index .* with a network$/)
  })

  it('a silent hub is given up on', async () => {
    const silent = createServer(() => undefined)
    const url = await listening(silent)
    expect(await askHub(url, 100)).toBeUndefined()
    silent.closeAllConnections()
    silent.close()
  })
})

describe('the trimmed one', () => {
  it('is refused if the file has another vocabulary than the one that was trimmed', async () => {
    const message = expect.stringMatching(/gemma-3-270m-en\.json: .* of another vocabulary .* pull the whole/)
    await expect(pull('gemma-3-270m-it-en')).rejects.toMatchObject({ code: 'invalid_file', message })
    expect(readdirSync(models)).toEqual(['.cache'])
  })
})
