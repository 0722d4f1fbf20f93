// What is timed: prefill of N tokens, or M tokens decoded after a prompt of N, by one sequence or several at once; and the
// prompts' token ids.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH, BenchError } from './setup.ts'

/**
 * `decode` 0: time to the first token of `prompt` tokens. Otherwise the time of `decode` tokens after the first, of each of so many
 * `sequences` that run together (default: 1).
 */
export type Case = { prompt: number; decode: number; sequences?: number }

/** One repetition. `cpuSeconds` where the side can tell it; `chunks`: stream chunks that carried text. */
export type Timing = { seconds: number; cpuSeconds?: number; chunks?: number }

/** All repetitions of a case in one process; each took its seconds for `tokens` tokens. */
export type CaseRuns = { case: string; tokens: number; runs: Timing[] }

/** Ids of the Apache-2.0 licence in SmolLM2's vocabulary: English, so that every token is whole characters. */
const IDS = JSON.parse(readFileSync(join(BENCH, 'prompts/license.json'), 'utf8')) as number[]

/** Ids from which a prompt's first one is taken, so that no two prompts of a process share a prefix. */
const FIRST_ID = 1000

/** `prefill:256`, `decode:64@256`, or of eight sequences `decode:64@256x8`. */
export function parseCase(text: string): Case {
  const match = /^(?:prefill:(\d+)|decode:(\d+)@(\d+)(?:x(\d+))?)$/.exec(text)
  if (!match)
    throw new BenchError(
      `"${text}" is not a case: write prefill:N or decode:M@N, of several sequences decode:M@NxSEQUENCES`,
    )
  const [, prefill, decode = 0, after, sequences] = match
  const one = { prompt: Number(prefill ?? after), decode: Number(decode) }
  return sequences === undefined ? one : { ...one, sequences: Number(sequences) }
}

export function caseName({ prompt, decode, sequences = 1 }: Case): string {
  if (decode === 0) return `prefill:${prompt}`
  return `decode:${decode}@${prompt}${sequences === 1 ? '' : `x${sequences}`}`
}

/** Tokens whose time a case measures. */
export function measuredTokens({ prompt, decode, sequences = 1 }: Case): number {
  return decode === 0 ? prompt : decode * sequences
}

/** Repetitions of which nothing is known but their seconds. */
export function caseRuns(todo: Case, seconds: readonly number[]): CaseRuns {
  return {
    case: caseName(todo),
    tokens: measuredTokens(todo),
    runs: seconds.map((one) => ({ seconds: one })),
  }
}

/** The `serial`-th prompt of `length` ids: differs from every other serial's (up to 40000) in its first id. */
export function promptIds(length: number, serial: number): number[] {
  const start = serial * 37
  const ids = Array.from({ length }, (_, i) => IDS[(start + i) % IDS.length])
  ids[0] = FIRST_ID + (serial % 40000)
  return ids
}

/**
 * The `serial`-th prompt of exactly `length` ids that a tokenizer gives back for its own text: for sides that take text
 * alone. First ids differ, as above.
 */
export function textPrompt(
  tokenizer: { encode(text: string): readonly number[]; decode(ids: readonly number[]): string },
  length: number,
  serial: number,
): { ids: number[]; text: string } {
  const seen = new Set<number>()
  for (let start = 0; start + length <= IDS.length; start++) {
    if (seen.has(IDS[start])) continue
    const ids = IDS.slice(start, start + length)
    const text = tokenizer.decode(ids)
    const again = tokenizer.encode(text)
    if (again.length !== length || again.some((id, i) => id !== ids[i])) continue
    if (seen.size === serial) return { ids, text }
    seen.add(ids[0])
  }
  throw new BenchError(`the text has no ${serial + 1} prompts of ${length} ids`)
}
