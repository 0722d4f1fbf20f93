// The answer rules of a chat format say where its answers end and which parser reads them. On the way back
// this is the one place that tells formats apart.

import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import type { BuiltinFormat, ChatFormat } from '../../weights/manifest.ts'
import { chosenTemplate } from '../chosen-template.ts'
import { FORMATS } from '../formats/index.ts'
import { chatglm3Parser } from './chatglm3.ts'
import { HERMES_MARKS, hermesParser } from './hermes.ts'
import { content, plainParser, type AnswerParser } from './parser.ts'
import { reactParser } from './react.ts'
import { pythonStripEnd } from '../python-text.ts'
import { tidy, tidyWithPunctuation, type TextRule } from './text-rules.ts'

export type RulesOptions = {
  /** Functions were offered in the prompt. */
  tools: boolean
  /** The prompt ends inside the model's thoughts. */
  thinking?: boolean
}

export type AnswerRules = {
  /** Ids that end an answer besides the tokenizer's own. */
  ends: ReadonlySet<number>
  /** Text that ends an answer and is not part of it. */
  stops: readonly string[]
  /** Tokens that print nothing by themselves but must be seen by the parser, with their text. */
  marks: ReadonlyMap<number, string>
  parser(): AnswerParser
}

/** Of a completion that is no chat. */
export const PLAIN_RULES: AnswerRules = { ends: new Set(), stops: [], marks: new Map(), parser: plainParser }

/** An answer that ends alike and is read as it is. */
export function textRules({ ends }: AnswerRules): AnswerRules {
  return { ...PLAIN_RULES, ends }
}

/** Whether functions may be offered and the calls of an answer are understood. */
export function readsToolCalls(chat: ChatFormat): boolean {
  if (chat.kind === 'builtin') return FORMATS[chat.format].tools
  if (chat.kind !== 'jinja') return false
  const template = chosenTemplate(chat, true)
  return template.includes(HERMES_MARKS.call) && /\btools\b/.test(template)
}

export function answerRules(tokenizer: Tokenizer, chat: ChatFormat, options: RulesOptions): AnswerRules {
  const format = chat.kind === 'builtin' ? FORMATS[chat.format] : undefined
  const marks = format?.marks ?? (readsMarks(chat, options) ? Object.values(HERMES_MARKS) : [])
  return {
    ends: new Set(idsOf(tokenizer, format?.ends ?? []).values()),
    stops: options.tools ? (format?.toolStops ?? []) : [],
    marks: new Map(
      [...idsOf(tokenizer, marks)]
        .filter(([, id]) => tokenizer.isSpecial(id))
        .map(([name, id]) => [id, name]),
    ),
    parser: () => answerParser(chat, options),
  }
}

/** A parser for one answer of a model of this format. */
export function answerParser(chat: ChatFormat, { tools, thinking = false }: RulesOptions): AnswerParser {
  if (chat.kind === 'builtin') return BUILTIN[chat.format](tools)
  if (!readsMarks(chat, { tools })) return plainParser()
  const thinks = isThinker(chat, tools)
  return hermesParser({ tools: tools && readsToolCalls(chat), thinks, thinking: thinks && thinking })
}

/** The end of a prompt is enough to see whether it leaves the model in its thoughts. */
const LAST_IDS = 8

/** Whether a prompt leaves the model inside its thoughts, as some templates do. */
export function endsInThought(
  tokenizer: Tokenizer,
  chat: ChatFormat,
  prompt: readonly number[],
  tools = false,
): boolean {
  if (!isThinker(chat, tools)) return false
  const last = prompt.slice(-LAST_IDS)
  const shown = last.map((id) => (tokenizer.isSpecial(id) ? tokenizer.nameOf(id) : tokenizer.decode([id])))
  return pythonStripEnd(shown.join('')).endsWith(HERMES_MARKS.think)
}

function isThinker(chat: ChatFormat, tools: boolean): boolean {
  return chat.kind === 'jinja' && chosenTemplate(chat, tools).includes(HERMES_MARKS.thinkEnd)
}

function readsMarks(chat: ChatFormat, { tools }: RulesOptions): boolean {
  return chat.kind === 'jinja' && (isThinker(chat, tools) || (tools && readsToolCalls(chat)))
}

const BUILTIN: Readonly<Record<BuiltinFormat, (tools: boolean) => AnswerParser>> = {
  llama2: plainParser,
  baichuan1: plainParser,
  baichuan2: plainParser,
  chatglm1: () => textParser(tidyWithPunctuation()),
  chatglm2: () => textParser(tidy()),
  chatglm3: chatglm3Parser,
  qwen1: (tools) => (tools ? reactParser() : plainParser()),
  'qwen1-react': (tools) => (tools ? reactParser() : plainParser()),
}

function textParser(rule: TextRule): AnswerParser {
  return { push: (text) => content(rule.push(text)), end: () => content(rule.end()) }
}

/** Those of the names that the tokenizer has as tokens of their own. */
function idsOf(tokenizer: Tokenizer, names: readonly string[]): Map<string, number> {
  const ids = new Map<string, number>()
  for (const name of names) {
    const id = tokenizer.idOf(name)
    if (id !== undefined) ids.set(name, id)
  }
  return ids
}
