// This file fetches one file whose SHA-256 is known. It resumes by range, checks the bytes, and refuses
// anything else.

import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { IsletError } from '../../src/lib/errors.ts'
import { fileSha256 } from '../../src/packing/file-sha256.ts'

export type Artefact = { bytes: number; sha256: string }

export type DownloadOptions = {
  onProgress?: (done: number, total: number) => void
  /** Until the server answers, and between two pieces. */
  timeoutMs?: number
  /** Connections tried, each going on where the last one broke off. */
  attempts?: number
}

/**
 * Downloads `url` into `path`, by way of `path`.part, which a later run continues. False if the server is out
 * of reach, has no such file or breaks off; `checksum_mismatch`, with the bytes deleted, if what came is not
 * the artefact.
 */
export async function download(
  url: string,
  path: string,
  artefact: Artefact,
  options: DownloadOptions = {},
): Promise<boolean> {
  const part = `${path}.part`
  await mkdir(dirname(path), { recursive: true })
  for (let attempt = 0; attempt < (options.attempts ?? 3); attempt++) {
    const before = await sizeOf(part)
    const complete = before === artefact.bytes || (await fetchRest(url, part, before, artefact, options))
    if (complete) {
      await takeIfRight(part, path, artefact)
      return true
    }
    // Nothing came at all: the server will not be there a second later either.
    if ((await sizeOf(part)) <= before) return false
  }
  return false
}

/** Moves `part` to `path` if it is the artefact, else deletes it and throws `checksum_mismatch`. */
export async function takeIfRight(part: string, path: string, artefact: Artefact): Promise<void> {
  const found = await hashFile(part)
  if (found !== artefact.sha256) {
    await rm(part, { force: true })
    throw new IsletError(
      'checksum_mismatch',
      `the file that came has SHA-256 ${found}, not ${artefact.sha256}: refused and deleted`,
    )
  }
  await rename(part, path)
}

/** SHA-256 of a file; undefined where there is none. */
export async function hashFile(path: string): Promise<string | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined
  const hash = fileSha256()
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(piece as Uint8Array)
  return hash.hex()
}

/** Appends what is missing; true when the file then has all its bytes. */
async function fetchRest(
  url: string,
  part: string,
  from: number,
  artefact: Artefact,
  options: DownloadOptions,
): Promise<boolean> {
  const control = new AbortController()
  const patience = watchdog(control, options.timeoutMs ?? 10_000)
  try {
    // No compression: ranges and sizes are those of the file.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' }
    if (from > 0) headers['range'] = `bytes=${from}-`
    const response = await fetch(url, { headers, signal: control.signal })
    patience.reset()
    if (response.status === 416) await rm(part, { force: true })
    if (!response.ok || response.body === null) return false
    // A server that ignores the range, or answers another one, sends the file from its start.
    const resumes = response.status === 206 && startOf(response) === from
    if (response.status === 206 && !resumes) return false
    return await append(response.body, part, resumes ? from : 0, artefact, (done) => {
      patience.reset()
      options.onProgress?.(done, artefact.bytes)
    })
  } catch (error) {
    if (error instanceof IsletError) throw error
    return false // no network, no such host, broken off: what came stays for the next run
  } finally {
    patience.stop()
    control.abort()
  }
}

async function append(
  body: ReadableStream<Uint8Array>,
  part: string,
  from: number,
  artefact: Artefact,
  onBytes: (done: number) => void,
): Promise<boolean> {
  const file = await open(part, from === 0 ? 'w' : 'a')
  let done = from
  let tooLong = false
  try {
    for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
      if (done + piece.length > artefact.bytes) {
        tooLong = true
        break
      }
      await file.writeFile(piece)
      done += piece.length
      onBytes(done)
    }
  } finally {
    await file.close()
  }
  if (tooLong) {
    await rm(part, { force: true })
    throw new IsletError(
      'checksum_mismatch',
      `more than the ${artefact.bytes} bytes of the file came: refused and deleted`,
    )
  }
  return done === artefact.bytes
}

function startOf(response: Response): number | undefined {
  const match = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')
  return match === null ? undefined : Number(match[1])
}

function watchdog(control: AbortController, ms: number): { reset(): void; stop(): void } {
  const bark = (): void => control.abort()
  let timer = setTimeout(bark, ms)
  return {
    reset() {
      clearTimeout(timer)
      timer = setTimeout(bark, ms)
    },
    stop: () => clearTimeout(timer),
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0
}
