// The `islet` command finds the module of a command and runs it. What it throws becomes a line and an exit
// code.

import { IsletError, isUserCode } from '../src/lib/errors.ts'

/** What each command's module exports as `command`. */
export type Command = {
  name: string
  summary: string
  usage: string
  run(argv: string[]): Promise<void>
}

const COMMANDS = [
  ...['pull', 'pack', 'vocabulary', 'inspect', 'chat', 'generate', 'decide', 'logits', 'perplexity'],
  ...['tokenize', 'detokenize', 'render', 'parse'],
]

/**
 * Runs `argv` (command first). Results go to standard output; errors set the exit code: 2 the caller's, 1
 * ours.
 */
async function main(argv: string[]): Promise<void> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const text = await overview()
    if (name === undefined) throw new IsletError('invalid_request', `which command?\n${text}`)
    process.stdout.write(`${text}\n`)
    return
  }
  if (!COMMANDS.includes(name)) {
    throw new IsletError('invalid_request', `there is no command ${name}: one of ${COMMANDS.join(', ')}`)
  }
  const command = await load(name)
  if (asksForHelp(rest)) process.stdout.write(`${usageOf(command)}\n`)
  else await command.run(rest)
}

async function load(name: string): Promise<Command> {
  const module = (await import(`./${name}.ts`)) as { command: Command }
  return module.command
}

async function overview(): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(load))
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`)
  return `usage: islet COMMAND ...\n\n${lines.join('\n')}\n\nislet COMMAND --help says more.`
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).some((each) => each === '--help' || each === '-h')
}

function usageOf({ usage, summary }: Command): string {
  const line = usage.startsWith('islet ') ? usage : `islet ${usage}`
  return `usage: ${line}${line.includes('\n') ? '' : `\n\n${summary}`}`
}

function fail(error: unknown): void {
  const code = (error as { code?: unknown } | null)?.code
  const badArguments = typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')
  const usersFault = badArguments || (error instanceof IsletError && isUserCode(error.code))
  const message = error instanceof Error ? error.message : String(error)
  // Our own failures get one line; the stack is for those who look into it.
  const text = usersFault ? message : message.split('\n')[0]
  process.stderr.write(`islet: ${text}\n`)
  if (process.env['ISLET_DEBUG'] !== undefined && error instanceof Error)
    process.stderr.write(`${error.stack}\n`)
  process.exitCode = usersFault ? 2 : 1
}

// `islet ... | head`: the reader has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await main(process.argv.slice(2))
} catch (error) {
  fail(error)
}
