// A workplace is the folder that packing writes into: it becomes OUT whole, or it goes, signals included.

import { renameSync, rmSync, existsSync } from 'node:fs'
import { lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { IsletError } from '../lib/errors.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * `.NAME.PID.packing` is written by process PID, `.NAME.PID.replaced` was OUT until the new one takes its
 * place.
 */
const LEFTOVER = /^\.(.+)\.(\d+)\.(packing|replaced)$/

/**
 * What `work` gives, which fills the folder that it is told; that folder is `target` then, in place of what
 * was there. If it throws, or a signal ends the process, everything is as before. A process that was killed
 * leaves a workplace behind, which the next one removes. `invalid_request` where no folder can be made.
 */
export async function inWorkplace<T>(target: string, work: (folder: string) => Promise<T>): Promise<T> {
  const parent = dirname(target)
  const firstMade = await mkdir(parent, { recursive: true }).catch((cause: unknown) => {
    throw new IsletError('invalid_request', `${parent} is no folder and cannot be made one`, {
      param: 'OUT',
      cause,
    })
  })
  await removeLeftovers(parent)
  const own = `.${basename(target)}.${process.pid}`
  const places = {
    target,
    temporary: join(parent, `${own}.packing`),
    replaced: join(parent, `${own}.replaced`),
  }
  const release = onSignals(() => undo(places))
  try {
    await mkdir(places.temporary)
    const result = await work(places.temporary)
    if (await isThere(target)) await rename(target, places.replaced)
    await rename(places.temporary, target)
    await rm(places.replaced, { recursive: true, force: true })
    return result
  } catch (error) {
    undo(places)
    if (firstMade !== undefined) await removeEmpty(parent, firstMade)
    throw error
  } finally {
    release()
  }
}

type Workplace = { target: string; temporary: string; replaced: string }

/** In one go, since a signal leaves no time for promises. */
function undo({ target, temporary, replaced }: Workplace): void {
  if (existsSync(replaced)) {
    if (existsSync(target)) rmSync(replaced, REMOVE)
    else renameSync(replaced, target)
  }
  rmSync(temporary, REMOVE)
}

/** A write that is under way may still make a file. */
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }

/** Runs `undoing` before a signal ends the process; the function that is returned takes that back. */
function onSignals(undoing: () => void): () => void {
  const release = (): void => SIGNALS.forEach((signal) => void process.off(signal, ended))
  const ended = (signal: NodeJS.Signals): void => {
    release()
    undoing()
    // As if nobody had listened, unless somebody else does.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  SIGNALS.forEach((signal) => void process.on(signal, ended))
  return release
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const match = LEFTOVER.exec(name)
    if (match === null || isAlive(Number(match[2]))) continue
    const path = join(parent, name)
    const target = join(parent, match[1])
    if (match[3] === 'replaced' && !(await isThere(target))) await rename(path, target)
    else await rm(path, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

/** Removes empty folders from `folder` up to `first`. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  for (let at = folder; at.startsWith(first); at = dirname(at)) {
    try {
      await rmdir(at)
    } catch {
      return // somebody else uses it
    }
  }
}
