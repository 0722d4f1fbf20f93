// What is timed: prefill of N tokens, or M tokens decoded after a prompt of N; and the prompts' token ids.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH, BenchError } from './setup.ts'

/** `decode` 0: time to the first token of `prompt` tokens. Otherwise the time of `decode` tokens after the first. */
export type Case = { prompt: number; decode: number }

/** One repetition. `cpuSeconds` where the side can tell it; `chunks`: stream chunks that carried text. */
export type Timing = { seconds: number; cpuSeconds?: number; chunks?: number }

/** All repetitions of a case in one process; each took its seconds for `tokens` tokens. */
export type CaseRuns = { case: string; tokens: number; runs: Timing[] }

/** Ids of the Apache-2.0 licence in SmolLM2's vocabulary: English, so that every token is whole characters. */
const IDS = JSON.parse(readFileSync(join(BENCH, 'prompts/license.json'), 'utf8')) as number[]

/** Ids from which a prompt's first one is taken, so that no two prompts of a process share a prefix. */
const FIRST_ID = 1000

/** `prefill:256` or `decode:64@256`. */
export function parseCase(text: string): Case {
  const match = /^(?:prefill:(\d+)|decode:(\d+)@(\d+))$/.exec(text)
  if (!match) throw new BenchError(`"${text}" is not a case: write prefill:N or decode:M@N`)
  return { prompt: Number(match[1] ?? match[3]), decode: Number(match[2] ?? 0) }
}

export function caseName(todo: Case): string {
  return todo.decode === 0 ? `prefill:${todo.prompt}` : `decode:${todo.decode}@${todo.prompt}`
}

/** Tokens whose time a case measures. */
export function measuredTokens(todo: Case): number {
  return todo.decode === 0 ? todo.prompt : todo.decode
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
