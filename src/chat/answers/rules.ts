// The answer rules of a chat format say where its answers end and which parser reads them. On the way back
// this is the one place that tells formats apart.

import type { AnswerForm } from '../../grammar/answer-form.ts'
import type { CallsForm } from '../../grammar/call-form.ts'
import type { Tokenizer } from '../../tokenizer/tokenizer.ts'
import type { BuiltinFormat, ChatFormat } from '../../weights/manifest.ts'
import { ownStyle } from '../calls/call-style.ts'
import { chosenTemplate } from '../chosen-template.ts'
import { FORMATS } from '../formats/index.ts'
import { chatglm3Parser } from './chatglm3.ts'
import { HERMES_MARKS, hermesParser } from './hermes.ts'
import { jsonCallParser } from './json-answer.ts'
import { heldTextParser } from './held-text.ts'
import { plainParser, type AnswerParser } from './parser.ts'
import { reactParser } from './react.ts'
import { pythonStripEnd } from '../python-text.ts'
import { tidied, tidy, tidyWithPunctuation, type TextRule } from './text-rules.ts'

export type RulesOptions = {
  /** Functions were offered in the prompt. */
  tools: boolean
  /** The prompt ends inside the model's thoughts. */
  thinking?: boolean
  /** What the answer is held to: its calls are whole, and nothing of its text is another's mark. */
  form?: AnswerForm
}

export type AnswerRules = {
  /** Ids that end an answer besides the tokenizer's own. */
  ends: ReadonlySet<number>
  /** Text that ends an answer and is not part of it. */
  stops: readonly string[]
  /** Tokens that print nothing by themselves but must be seen by the parser, with their text. */
  marks: ReadonlyMap<number, string>
  parser(): AnswerParser
  /** What the answer may be, where it is more than a grammar of its text. */
  form?: AnswerForm
}

/** Of a completion that is no chat. */
export const PLAIN_RULES: AnswerRules = { ends: new Set(), stops: [], marks: new Map(), parser: plainParser }

/** An answer that ends alike and is read as it is. */
export function textRules({ ends }: AnswerRules): AnswerRules {
  return { ...PLAIN_RULES, ends }
}

/** Whether the format has calls of its own; all others are told of functions in a form that any of them can say. */
export function readsToolCalls(chat: ChatFormat): boolean {
  return ownStyle(chat) !== undefined
}

export function answerRules(tokenizer: Tokenizer, chat: ChatFormat, options: RulesOptions): AnswerRules {
  const format = chat.kind === 'builtin' ? FORMATS[chat.format] : undefined
  const marks = marksOf(chat, options)
  const { form } = options
  return {
    ends: new Set(idsOf(tokenizer, format?.ends ?? []).values()),
    stops: options.tools ? (format?.toolStops ?? []) : [],
    marks: new Map(
      [...idsOf(tokenizer, marks)]
        .filter(([, id]) => tokenizer.isSpecial(id))
        .map(([name, id]) => [id, name]),
    ),
    parser: () => answerParser(chat, options),
    ...(form !== undefined && { form }),
  }
}

/** Names that the parser looks for; where they are tokens these print nothing by themselves. */
export function marksOf(chat: ChatFormat, options: Pick<RulesOptions, 'tools'>): readonly string[] {
  const own = chat.kind === 'builtin' ? FORMATS[chat.format].marks : undefined
  return own ?? (readsMarks(chat, options) ? Object.values(HERMES_MARKS) : [])
}

/** A parser for one answer of a model of this format. */
export function answerParser(
  chat: ChatFormat,
  { tools, thinking = false, form }: RulesOptions,
): AnswerParser {
  if (form?.text !== undefined) return heldTextParser(form)
  const isHeld = form !== undefined
  if (chat.kind === 'builtin') {
    const rule = TEXT_RULES[chat.format]?.()
    const parser =
      BUILTIN[chat.format]?.(tools, form) ?? hermesParser({ tools, thinks: false, thinking: false, isHeld })
    return rule === undefined ? parser : tidied(parser, rule)
  }
  if (!readsMarks(chat, { tools })) return plainParser()
  if (tools && ownStyle(chat) === 'json') return jsonCallParser(isHeld)
  const thinks = form === undefined ? isThinker(chat, tools) : form.thought === 'maybe'
  if (form?.thought === 'open') return hermesParser({ tools, thinks: true, thinking: true, isHeld })
  return hermesParser({ tools, thinks, thinking: thinks && thinking, isHeld })
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
  return isThinker(chat, tools) && endOf(tokenizer, prompt).endsWith(HERMES_MARKS.think)
}

/** Where a thought stands for the answer: the prompt leaves one open, has closed it, or the model may begin with one. */
export function thoughtOf(
  tokenizer: Tokenizer,
  chat: ChatFormat,
  prompt: readonly number[],
  tools: boolean,
): AnswerForm['thought'] | 'closed' {
  if (!isThinker(chat, tools)) return undefined
  const end = endOf(tokenizer, prompt)
  if (end.endsWith(HERMES_MARKS.think)) return 'open'
  return end.endsWith(HERMES_MARKS.thinkEnd) ? 'closed' : 'maybe'
}

/** The last words of a prompt. */
export function endOf(tokenizer: Tokenizer, prompt: readonly number[]): string {
  const last = prompt.slice(-LAST_IDS)
  const shown = last.map((id) => (tokenizer.isSpecial(id) ? tokenizer.nameOf(id) : tokenizer.decode([id])))
  return pythonStripEnd(shown.join(''))
}

/** Whether the model may begin its answers with a thought. */
export function isThinker(chat: ChatFormat, tools: boolean): boolean {
  return (
    chat.kind === 'jinja' &&
    chosenTemplate(chat, tools && readsToolCalls(chat)).includes(HERMES_MARKS.thinkEnd)
  )
}

function readsMarks(chat: ChatFormat, { tools }: Pick<RulesOptions, 'tools'>): boolean {
  if (chat.kind === 'builtin') return tools && !FORMATS[chat.format].tools
  return chat.kind === 'jinja' && (isThinker(chat, tools) || tools)
}

/** Parsers of formats with calls of their own. */
const BUILTIN: Readonly<Partial<Record<BuiltinFormat, (tools: boolean, form?: AnswerForm) => AnswerParser>>> =
  {
    chatglm3: (tools, form) => chatglm3Parser(tools, form?.calls && namesIn(form.calls)),
    qwen1: (tools, form) => (tools ? reactParser(form !== undefined) : plainParser()),
    'qwen1-react': (tools, form) => (tools ? reactParser(form !== undefined) : plainParser()),
  }

function namesIn({ functions }: CallsForm): ReadonlySet<string> {
  return new Set(functions.map(({ name }) => name))
}

/** How the originals tidy what was said. */
const TEXT_RULES: Readonly<Partial<Record<BuiltinFormat, () => TextRule>>> = {
  chatglm1: tidyWithPunctuation,
  chatglm2: tidy,
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
