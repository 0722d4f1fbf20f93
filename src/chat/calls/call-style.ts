// A call style is how the answers of a chat format write calls: the family's own way, or the generic one.

import type { CallStyle } from '../../grammar/call-form.ts'
import type { BuiltinFormat, ChatFormat } from '../../weights/manifest.ts'
import { chosenTemplate } from '../chosen-template.ts'
import { HERMES_MARKS } from '../answers/hermes.ts'

const BUILTIN: Readonly<Partial<Record<BuiltinFormat, CallStyle>>> = {
  chatglm3: 'python',
  qwen1: 'react',
  'qwen1-react': 'react',
}

/** How templates of Llama 3 tell what to write. */
const LLAMA3 = '"parameters": dictionary of argument name'

/** Undefined where the format has no calls of its own: it is told of functions in plain words, and writes `tool_call`. */
export function ownStyle(chat: ChatFormat): CallStyle | undefined {
  if (chat.kind === 'builtin') return BUILTIN[chat.format]
  if (chat.kind !== 'jinja') return undefined
  const template = chosenTemplate(chat, true)
  if (!/\btools\b/.test(template)) return undefined
  if (template.includes(HERMES_MARKS.call)) return 'tool_call'
  return template.includes(LLAMA3) ? 'json' : undefined
}
