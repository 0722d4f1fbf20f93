// Every mode, one after the other, each in a process of its own: the whole table of goals. A mode that fails does not stop
// the others; it is named at the end.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { printTable } from './lib/results.ts'
import { BENCH, BenchError } from './lib/setup.ts'

/** Runs everything, prints how long each took, and throws BenchError where one failed. */
export async function all(options: { rounds: number; peersRounds: number; pairs: number }): Promise<void> {
  const rounds = ['--rounds', String(options.rounds)]
  const modes: [name: string, ...args: string[]][] = [
    ['memory', '--largest'],
    ['cold', ...rounds],
    ['cold-slow', ...rounds],
    ['warm', ...rounds],
    ['kernels', ...rounds],
    ['speed', ...rounds],
    ['sessions', ...rounds],
    ['gaps', ...rounds],
    ['gemma', ...rounds],
    ['hosts', ...rounds],
    ['window', '--pairs', String(options.pairs)],
    ['persist', '--pairs', String(options.pairs), ...rounds],
    ['peers', '--rounds', String(options.peersRounds)],
  ]
  const outcomes: { name: string; passed: boolean; minutes: number }[] = []
  for (const args of modes) {
    const started = Date.now()
    console.error(`\n== ${args.join(' ')} (${new Date().toISOString()})`)
    const child = spawn(process.execPath, [join(BENCH, 'run.ts'), ...args], { stdio: 'inherit' })
    const endWithUs = (): void => void child.kill()
    process.once('exit', endWithUs)
    const [status] = (await once(child, 'exit')) as [number | null]
    process.off('exit', endWithUs)
    outcomes.push({ name: args[0], passed: status === 0, minutes: (Date.now() - started) / 60e3 })
  }
  console.log('')
  printTable(
    ['mode', 'minutes', ''],
    outcomes.map(({ name, passed, minutes }) => [name, minutes.toFixed(1), passed ? 'done' : 'FAILED']),
  )
  const failed = outcomes.filter(({ passed }) => !passed).map(({ name }) => name)
  if (failed.length > 0) throw new BenchError(`failed: ${failed.join(', ')}`)
}
