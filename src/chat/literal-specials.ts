// Special tokens come from the template alone: their names stay literal text where a message holds them. All
// other ids are those of the whole rendered text.

import { IsletError } from '../lib/errors.ts'
import { Float } from '../lib/exact-json.ts'
import { entriesOf, type JsonObject } from '../lib/json-value.ts'
import { nameGuard } from '../tokenizer/special.ts'
import type { GuardScope } from '../tokenizer/special.ts'
import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import { renderPrompt } from './template.ts'
import type { RenderOptions } from './template.ts'

export type TemplateOptions = Pick<RenderOptions, 'tools' | 'addGenerationPrompt' | 'variables'>

/**
 * Templates trim, split and compare contents, so contents go through them as they are, save for one guard
 * character inside each name of a special token. It breaks the name, survives the template, and is taken out
 * before merging.
 */
export function renderGuarded(
  tokenizer: Tokenizer,
  template: string,
  messages: readonly JsonObject[],
  options: TemplateOptions,
): { text: string; guard: string } {
  const guard = unusedCharacter([messages, options.tools, options.variables, template])
  const protect = nameGuard(tokenizer.guardedNames ?? [], guard)
  const guarded = (value: unknown, param: string): unknown => mapStrings(value, protect, param, 0)
  const text = renderPrompt(template, guarded(messages, 'messages') as JsonObject[], {
    ...options,
    tools: guarded(options.tools, 'tools') as unknown[] | undefined,
    variables: guarded(options.variables, 'messages') as TemplateOptions['variables'],
    ...sequenceMarks(tokenizer),
  })
  // tojson can be told to escape what is not ASCII.
  return { text: text.replaceAll(escaped(guard), guard), guard }
}

/** The names of BOS and EOS as templates print them. */
export function sequenceMarks(tokenizer: Tokenizer): Pick<RenderOptions, 'bosToken' | 'eosToken'> {
  const nameOf = (id: number | undefined): string | undefined =>
    id === undefined ? undefined : tokenizer.nameOf(id)
  return { bosToken: nameOf(tokenizer.bosId), eosToken: nameOf(tokenizer.eosId) }
}

/** JSON nested deeper is no message and no schema, and would overflow the stack. */
const MAX_DEPTH = 64

/**
 * Keys, roles and types are compared by templates and stand between quotes or marks: only whole names are
 * broken there.
 */
function mapStrings(
  value: unknown,
  protect: (text: string, scope: GuardScope) => string,
  param: string,
  depth: number,
  scope: GuardScope = 'edges',
): unknown {
  if (typeof value === 'string') return protect(value, scope)
  if (typeof value !== 'object' || value === null || value instanceof Float) return value
  if (depth === MAX_DEPTH) {
    throw new IsletError('invalid_request', `${param} is nested deeper than ${MAX_DEPTH} levels`, { param })
  }
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, protect, param, depth + 1, scope))
  // A map keeps the places of keys such as "10", which an object would sort to its front.
  return new Map(
    entriesOf(value as JsonObject).map(([key, item]) => [
      protect(key, 'inside'),
      mapStrings(item, protect, param, depth + 1, key === 'role' || key === 'type' ? 'inside' : 'edges'),
    ]),
  )
}

/** A Unicode noncharacter (U+FDD0 to U+FDEF) that occurs nowhere in these values. */
function unusedCharacter(values: readonly unknown[]): string {
  const texts: string[] = []
  const pending = [...values]
  while (pending.length > 0) {
    const value = pending.pop()
    if (typeof value === 'string') texts.push(value)
    else if (Array.isArray(value)) for (const item of value as unknown[]) pending.push(item)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of entriesOf(value as JsonObject)) pending.push(key, item)
    }
  }
  for (let code = 0xfdd0; code <= 0xfdef; code++) {
    const character = String.fromCharCode(code)
    if (!texts.some((text) => text.includes(character) || text.includes(escaped(character)))) return character
  }
  throw new IsletError(
    'invalid_request',
    'the messages contain every noncharacter from U+FDD0 to U+FDEF; leave them out',
    {
      param: 'messages',
    },
  )
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`
}
