// The text commands share this file: where results go, and how arguments and files are read. Its errors say
// what to do.

import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { IsletError } from '../../src/lib/errors.ts'
import { readJson as parseJson } from '../../src/lib/json-value.ts'

/** Takes results; standard output unless a test listens. */
export type Print = (text: string) => void

export const printOut: Print = (text) => void process.stdout.write(text)

/** Text exactly as it is, with a newline only where a person reads it. */
export function printText(text: string, print: Print): void {
  print(print === printOut && process.stdout.isTTY && !text.endsWith('\n') ? `${text}\n` : text)
}

type Options = NonNullable<ParseArgsConfig['options']>

/** One MODEL and the options. Throws invalid_request with the usage for anything else. */
export function readArguments<T extends Options>(argv: string[], options: T, usage: string) {
  const { positionals, values } = parseStrictly(argv, options, usage)
  if (positionals.length === 1) return { model: positionals[0], values }
  throw new IsletError('invalid_request', `give one MODEL\nusage: ${usage}`, { param: 'MODEL' })
}

/** MODEL, FILE and the options, in the same way. */
export function readFileArguments<T extends Options>(argv: string[], options: T, usage: string) {
  const { positionals, values } = parseStrictly(argv, options, usage)
  if (positionals.length === 2) return { model: positionals[0], file: positionals[1], values }
  throw new IsletError('invalid_request', `give MODEL and FILE\nusage: ${usage}`, { param: 'FILE' })
}

function parseStrictly<T extends Options>(argv: string[], options: T, usage: string) {
  try {
    return parseArgs({ args: argv, options, allowPositionals: true, strict: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError('invalid_request', `${reason}\nusage: ${usage}`, { cause })
  }
}

/** A text file that an option names; `-` is standard input. */
export async function readText(path: string, param: string): Promise<string> {
  try {
    const bytes = path === '-' ? await buffer(process.stdin) : await readFile(path)
    // A byte order mark is part of the text: it has ids of its own.
    return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new IsletError('invalid_request', `${param} cannot be read: ${reason}`, { param, cause })
  }
}

/** A JSON file that an option names, exact where plain values would not be what it says. */
export async function readJson(path: string, param: string): Promise<unknown> {
  try {
    const text = await readText(path, param)
    JSON.parse(text) // says better what is wrong
    return parseJson(text)
  } catch (cause) {
    if (cause instanceof IsletError) throw cause
    throw new IsletError('invalid_request', `${param} is not JSON: ${(cause as Error).message}`, {
      param,
      cause,
    })
  }
}
