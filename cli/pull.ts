// The command `islet pull` fetches and packs a model by name.

import { parseArgs } from 'node:util'
import { IsletError } from '../src/lib/errors.ts'
import { DEFAULT_MODEL, ensureModel, outOfReach } from './lib/pull.ts'

const usage = `islet pull [NAME]

Fetches the model's one file (resumed where it broke off, SHA-256 checked), packs it into models/NAME and prints the name.
NAME is ${DEFAULT_MODEL} unless given. Does nothing when the model is there.`

export const command = {
  name: 'pull',
  summary: 'fetch and pack a model by name',
  usage,
  async run(argv: string[]): Promise<void> {
    const { positionals } = parseArgs({ args: argv, allowPositionals: true })
    if (positionals.length > 1)
      throw new IsletError('invalid_request', `give one NAME at most\nusage: ${usage}`, { param: 'NAME' })
    const name = (positionals[0] ?? DEFAULT_MODEL).toLowerCase()
    const outcome = await ensureModel(name, { log: (line) => process.stderr.write(`${line}\n`) })
    if (outcome === 'unreachable') throw outOfReach(name)
    if (outcome === 'present') process.stderr.write(`${name} is there already\n`)
    process.stdout.write(`${name}\n`)
  },
}
