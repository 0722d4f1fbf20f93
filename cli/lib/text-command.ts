// What the text commands share: where results go, and reading arguments and files with errors that say what to do.

import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { IsletError } from '../../src/lib/errors.ts'

/** Takes results; standard output unless a test listens. */
export type Print = (text: string) => void

export const printOut: Print = (text) => void process.stdout.write(text)

/** Text exactly as it is, with a newline only where a person reads it. */
export function printText(text: string, print: Print): void {
  print(print === printOut && process.stdout.isTTY && !text.endsWith('\n') ? `${text}\n` : text)
}

/** One MODEL and the options. Throws invalid_request with the usage for anything else. */
export function readArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  argv: string[],
  options: T,
  usage: string,
) {
  try {
    const parsed = parseArgs({ args: argv, options, allowPositionals: true, strict: true })
    if (parsed.positionals.length === 1) return { model: parsed.positionals[0], values: parsed.values }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError('invalid_request', `${reason}\nusage: ${usage}`, { cause })
  }
  throw new IsletError('invalid_request', `give one MODEL\nusage: ${usage}`, { param: 'MODEL' })
}

/** A text file that an option names. */
export async function readText(path: string, param: string): Promise<string> {
  try {
    // A byte order mark is part of the text: it has ids of its own.
    return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(await readFile(path))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError('invalid_request', `${param} cannot be read: ${reason}`, { param, cause })
  }
}

/** A JSON file that an option names. */
export async function readJson(path: string, param: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(path, param)) as unknown
  } catch (cause) {
    if (cause instanceof IsletError) throw cause
    throw new IsletError('invalid_request', `${param} is not JSON: ${(cause as Error).message}`, {
      param,
      cause,
    })
  }
}
