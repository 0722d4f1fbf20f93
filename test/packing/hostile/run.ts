// Gives hostile checkpoints to `pack` and `inspect` in this process: `node --expose-gc run.ts HOME FIRST STEP`. Prints a line
// of JSON before each command and one behind it, so that whoever listens knows which one did not end.

import { readdirSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { command as inspect } from '../../../cli/inspect.ts'
import { command as pack } from '../../../cli/pack.ts'
import { IsletError, isUserCode } from '../../../src/lib/errors.ts'
import { HOSTILE, makeCase } from './cases.ts'

export type Outcome = {
  index: number
  command: 'pack' | 'inspect'
  /** As the command line exits. */
  code: number
  message: string
  seconds: number
  /** Of this process so far, in bytes; what was there before the command is `before`. */
  peak: number
  /** Names of files that were not there before. */
  left: string[]
}

const [home, first, step] = process.argv.slice(2)

for (let index = Number(first); index < HOSTILE.length; index += Number(step)) {
  const given = makeCase(index, home)
  const place = join(home, String(index))
  for (const command of ['inspect', 'pack'] as const) {
    const out = join(home, `${index}.out`)
    await mkdir(out)
    const before = readdirSync(place)
    globalThis.gc?.()
    process.stdout.write(`${JSON.stringify({ index, command })}\n`)
    const start = performance.now()
    let [code, message] = [0, '']
    try {
      if (command === 'pack') await pack.run([given, join(out, 'deep', 'model')])
      else await inspect.run([given], () => undefined)
    } catch (error) {
      message = error instanceof Error ? error.message : String(error)
      code = error instanceof IsletError && isUserCode(error.code) ? 2 : 1
      if (code === 1 && error instanceof Error) message += `\n${error.stack ?? ''}`
    }
    const seconds = (performance.now() - start) / 1000
    const peak = process.resourceUsage().maxRSS * 1024
    const left = [...readdirSync(out), ...readdirSync(place).filter((name) => !before.includes(name))]
    const outcome: Outcome = { index, command, code, message, seconds, peak, left }
    process.stdout.write(`${JSON.stringify(outcome)}\n`)
    await rm(out, { recursive: true })
  }
  await rm(place, { recursive: true })
}
