// A probe tells whether a template takes contents as lists of parts, or would print such a list.

import type { JsonObject } from '../lib/json-value.ts'
import { renderPrompt } from './template.ts'

/** A text that the template must print, and one that it prints only of a part as a whole. */
const [TEXT, INSIDE] = ['islet probe of a text', 'islet probe of a part']

const ASKED = { role: 'user', content: 'a' }
const ANSWERED = { role: 'assistant', content: 'b' }
const CALLING = {
  role: 'assistant',
  content: '',
  tool_calls: [{ id: 'call12345', type: 'function', function: { name: 'f', arguments: {} } }],
}

/** What stands before and after a message of a role. */
const COMPANY: Readonly<Record<string, [before: JsonObject[], after: JsonObject[]]>> = {
  system: [[], [ASKED]],
  user: [[], []],
  assistant: [[ASKED], [ASKED]],
  tool: [
    [ASKED, CALLING],
    [ANSWERED, ASKED],
  ],
}

/** By template, then by role. */
const known = new Map<string, Map<string, boolean>>()
const MAX_KNOWN = 8

/**
 * Whether `template` prints the texts of parts in a message of this role: one such message is rendered, once
 * in an isolate.
 */
export function takesParts(template: string, role: string): boolean {
  if (known.size >= MAX_KNOWN && !known.has(template)) known.clear()
  const roles = known.get(template) ?? new Map<string, boolean>()
  known.set(template, roles)
  const takes = roles.get(role) ?? probe(template, role)
  roles.set(role, takes)
  return takes
}

function probe(template: string, role: string): boolean {
  const [before, after] = COMPANY[role] ?? [[], []]
  const message = { role, content: [{ type: 'text', text: TEXT, inside: INSIDE }], tool_call_id: 'call12345' }
  try {
    const text = renderPrompt(template, [...before, message, ...after], { bosToken: '<s>', eosToken: '</s>' })
    return text.includes(TEXT) && !text.includes(INSIDE)
  } catch {
    return false
  }
}
