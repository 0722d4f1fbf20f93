// This file reads values of options; every mistake names its option and what is allowed.

import { windowOptions, type WindowOptions } from '../../src/cache/window.ts'
import { IsletError } from '../../src/lib/errors.ts'

export function required(value: string | undefined, name: string): string {
  if (value === undefined)
    throw new IsletError('invalid_request', `${name} is missing (--help shows the usage)`, { param: name })
  return value
}

export function wholeNumber(text: string, name: string, lowest: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= lowest) return value
  throw new IsletError('invalid_request', `${name} is ${text}: give a whole number of at least ${lowest}`, {
    param: name,
  })
}

/**
 * `--window` and `--sinks`: without a window, full attention. Several windows, `64,256`, are one for each of
 * as many equal runs of layers, from the first layer up.
 */
export function windowOption(window: string | undefined, sinks: string | undefined): WindowOptions {
  const kept = sinks === undefined ? 4 : wholeNumber(sinks, '--sinks', 0)
  return windowOptions(window === undefined ? [0] : windowList(window, '--window', 1), kept)
}

/** `256` or `64,256`: whole numbers of at least `lowest`, or of 1 where there are several. */
export function windowList(text: string, name: string, lowest: number): number[] {
  const parts = text.split(',')
  return parts.map((part) => wholeNumber(part.trim(), name, parts.length === 1 ? lowest : 1))
}

export function number(text: string, name: string, lowest: number, highest: number): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= lowest && value <= highest) return value
  throw new IsletError('invalid_request', `${name} is ${text}: give a number from ${lowest} to ${highest}`, {
    param: name,
  })
}

/** `1,2,3` -> [1, 2, 3]; the empty text is an empty list. */
export function idList(text: string, name: string): number[] {
  if (text.trim() === '') return []
  return text.split(',').map((part) => wholeNumber(part.trim(), name, 0))
}
