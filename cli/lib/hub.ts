// This file asks the hub for the size and SHA-256 of a file, and keeps them beside it as its record. It is for
// files that the project does not pin: the hub names both for what it stores in LFS, in its own reply, which is
// a redirect to the storage.

import { readFile, rm, writeFile } from 'node:fs/promises'
import { IsletError } from '../../src/lib/errors.ts'
import type { Artefact } from './download.ts'

/** `url` is what was asked for; `commit` is the one that the hub served it of, for whoever wants to know. */
export type HubRecord = Artefact & { url: string; commit?: string }

/** Redirects within the hub that are followed: of a repository that has another name now. */
const MOST_HOPS = 3

/** Replies of a hub that would say more at another time. */
const BUSY = [408, 429, 500, 502, 503, 504]

/**
 * What the hub says of the file at `url` now, kept beside `path`. Of another file, what came before goes.
 * Undefined if the hub is out of reach; `internal_error` if it names no size and SHA-256.
 */
export async function recordFromHub(url: string, path: string): Promise<HubRecord | undefined> {
  const record = await askHub(url)
  if (record === undefined) return undefined
  const before = await keptRecord(url, path)
  if (before?.sha256 !== record.sha256) await rm(`${path}.part`, { force: true })
  await writeFile(recordFile(path), `${JSON.stringify(record, null, 1)}\n`)
  return record
}

/** What the hub said of `url` when it was asked last; undefined where nothing is kept that can be read. */
export async function keptRecord(url: string, path: string): Promise<HubRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(recordFile(path), 'utf8')) as HubRecord
    return record.url === url ? record : undefined
  } catch {
    return undefined // none, or cut short: the hub is asked again
  }
}

function recordFile(path: string): string {
  return `${path}.json`
}

/** Throws and returns as `recordFromHub` does. */
export async function askHub(url: string, timeoutMs = 10_000): Promise<HubRecord | undefined> {
  let at = url
  for (let hop = 0; ; hop++) {
    const reply = await firstReply(at, timeoutMs)
    if (reply === undefined || BUSY.includes(reply.status)) return undefined
    const next = hop < MOST_HOPS ? withinHub(reply, at) : undefined
    if (next === undefined) return recordIn(reply, url)
    at = next
  }
}

/** The reply itself, not what it redirects to; undefined without one. */
function firstReply(url: string, timeoutMs: number): Promise<Response | undefined> {
  // No compression: the size is the file's.
  const headers = { 'accept-encoding': 'identity' }
  const signal = AbortSignal.timeout(timeoutMs)
  return fetch(url, { method: 'HEAD', redirect: 'manual', headers, signal }).catch(() => undefined)
}

/** Where the hub sends on to itself. What another host says of the file does not count. */
function withinHub({ headers }: Response, at: string): string | undefined {
  const location = headers.get('location')
  if (headers.has('x-linked-etag') || location === null || !URL.canParse(location, at)) return undefined
  const next = new URL(location, at)
  return next.origin === new URL(at).origin ? next.href : undefined
}

function recordIn({ status, headers }: Response, url: string): HubRecord {
  const [size, etag] = ['x-linked-size', 'x-linked-etag'].map((name) => headers.get(name))
  const bytes = /^\d{1,15}$/.test(size ?? '') ? Number(size) : 0
  // Of a file that is not in LFS the ETag is Git's SHA-1.
  const sha256 = /^"([0-9a-f]{64})"$/.exec(etag ?? '')?.[1]
  if (bytes === 0 || sha256 === undefined) {
    const said = `HTTP ${status}, x-linked-size ${size ?? 'missing'}, x-linked-etag ${etag ?? 'missing'}`
    throw new IsletError(
      'internal_error',
      `the hub names no size and SHA-256 of ${url} (${said}): it could not be checked, so it is not fetched`,
    )
  }
  const commit = headers.get('x-repo-commit')
  return { url, bytes, sha256, ...(commit !== null && { commit }) }
}
