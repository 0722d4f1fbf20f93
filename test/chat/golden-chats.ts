// The reference prompts of each family as what `islet render` takes: a body, further arguments, and the ids that must come.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { QWEN_TEMPLATES } from '../tokenizer/support.ts'

export type GoldenPrompt = { name: string; body: unknown; argv: string[]; ids: number[]; text?: string }

type Message = Record<string, unknown>
type Json = Record<string, unknown>
type Case = {
  name: string
  ids: number[]
  text?: string
  text_shown?: string
  messages?: Message[]
  functions?: unknown
  tools?: unknown
  system?: string
  history?: unknown[]
  query?: string
  role?: string
  model_max_length?: number
  max_new_tokens?: number
  max_window_size?: number
}

export function readChat<T = Json>(folder: string): T {
  return JSON.parse(readFileSync(join(folder, 'chat.json'), 'utf8')) as T
}

const user = (content: unknown): Message => ({ role: 'user', content })
const rounds = (history: unknown[] = []): Message[] =>
  (history as [string, string][]).flatMap(([question, answer]) => [
    user(question),
    { role: 'assistant', content: answer },
  ])
const limits = (length?: number, newTokens?: number): string[] => [
  ...['--max-length', String(length)],
  ...(newTokens === undefined ? [] : ['--max-new-tokens', String(newTokens)]),
]

/** Every prompt of a family's chat.json. */
export const PROMPTS: Readonly<Record<string, (folder: string) => GoldenPrompt[]>> = {
  llama: (folder) => cases(folder).map((c) => ({ ...bare(c), body: c.messages, text: c.text_shown })),
  baichuan1: baichuan,
  baichuan2: baichuan,
  chatglm1: (folder) =>
    cases(folder).map((c) => ({
      ...bare(c),
      body: [...rounds(c.history), user(c.query)],
      text: `${c.text}[gMASK]<sop>`,
    })),
  chatglm2: (folder) =>
    cases(folder).map((c) => ({
      ...bare(c),
      body: [...rounds(c.history), user(c.query)],
      text: `[gMASK]sop${c.text}`,
    })),
  chatglm3: (folder) =>
    cases(folder).map((c) => ({
      ...bare(c),
      body: [...(c.history ?? []), { role: c.role, content: c.query }],
      text: c.text_shown,
    })),
  qwen1(folder) {
    const chat = readChat<Record<string, Case[]>>(folder)
    return [
      ...chat.cases.map((c) => ({
        ...bare(c),
        body: [{ role: 'system', content: c.system }, ...rounds(c.history), user(c.query)],
        argv: limits(c.max_window_size),
      })),
      ...chat.react.map((c) => ({
        ...bare(c),
        body: { messages: [user(c.query)], tools: c.tools },
        argv: ['--chat', 'qwen1-react'],
      })),
      ...chat.function_calling.map((c) => ({
        ...bare(c),
        body: { messages: c.messages, functions: c.functions },
      })),
    ]
  },
  qwen2(folder) {
    const chat = readChat<Record<string, { cases: Case[] }>>(folder)
    const templates = {
      'qwen2.5': 'Qwen-Qwen2.5-7B-Instruct.jinja',
      qwen3: 'Qwen-Qwen3-0.6B.jinja',
    }
    // Those ids were made by a script that lets marks in messages become tokens.
    const there = Object.entries(templates).filter(([, file]) => existsSync(join(QWEN_TEMPLATES, file)))
    return there.flatMap(([key, file]) =>
      chat[key].cases.map((c) => ({
        ...bare(c),
        name: `${key} ${c.name}`,
        body: c,
        argv: ['--template', join(QWEN_TEMPLATES, file), '--trusted'],
      })),
    )
  },
}

function cases(folder: string): Case[] {
  return readChat<{ cases: Case[] }>(folder).cases
}

function baichuan(folder: string): GoldenPrompt[] {
  return cases(folder).map((c) => ({
    ...bare(c),
    body: c.messages,
    argv: limits(c.model_max_length, c.max_new_tokens),
  }))
}

function bare(c: Case): GoldenPrompt {
  return {
    name: c.name,
    body: undefined,
    argv: [],
    ids: c.ids,
    ...(c.text !== undefined && { text: c.text }),
  }
}

/** Puts a body into a file of a scratch folder. */
export function putBody(scratch: string, body: unknown): string {
  const path = join(scratch, 'body.json')
  writeFileSync(path, JSON.stringify(body))
  return path
}

/** What of a family's folder can be opened as a model: the folder, and its GGUF metadata. */
export function modelsIn(folder: string): string[] {
  const gguf = join(folder, 'vocab.gguf')
  return existsSync(gguf) ? [folder, gguf] : [folder]
}
