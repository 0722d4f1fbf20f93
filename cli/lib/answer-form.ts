// The options of an answer's form name what its text must be: a schema, a pattern, a grammar or some texts.

import { compileGrammar } from '../../src/grammar/grammar.ts'
import { GrammarError } from '../../src/grammar/grammar-error.ts'
import { IsletError } from '../../src/lib/errors.ts'
import type { GrammarSpec } from '../../src/protocol/generation.ts'
import { readText } from './text-command.ts'

export const formOptions = {
  schema: { type: 'string' },
  regex: { type: 'string' },
  grammar: { type: 'string' },
  choice: { type: 'string' },
} as const

type Values = { [K in keyof typeof formOptions]?: string }

/**
 * The grammar that the options ask for; undefined without any. Throws invalid_request for more than one, a file that cannot be read,
 * or what cannot be promised: then with the pointer of the part.
 */
export async function formOf({ schema, regex, grammar, choice }: Values): Promise<GrammarSpec | undefined> {
  const given = Object.entries({ schema, regex, grammar, choice }).filter(([, value]) => value !== undefined)
  if (given.length === 0) return undefined
  if (given.length > 1)
    throw new IsletError('invalid_request', 'give one of --schema, --regex, --grammar, --choice')
  const spec = await specOf({ schema, regex, grammar, choice })
  try {
    compileGrammar(spec)
  } catch (cause) {
    if (!(cause instanceof GrammarError)) throw cause
    const [[name, value = '']] = given
    const file = name === 'schema' || name === 'grammar' ? ` ${value}` : ''
    const place = cause.pointer === '' ? '' : `#${cause.pointer}`
    throw new IsletError('invalid_request', `--${name}${file}${place}: ${cause.message}`, {
      param: `--${name}`,
      cause,
    })
  }
  return spec
}

async function specOf({ schema, regex, grammar, choice = '' }: Values): Promise<GrammarSpec> {
  if (schema !== undefined) return { kind: 'json_schema', schema: await readText(schema, '--schema') }
  if (regex !== undefined) return { kind: 'regex', pattern: regex }
  if (grammar !== undefined) return { kind: 'ebnf', text: await readText(grammar, '--grammar') }
  return { kind: 'choice', choices: choice.split(',') }
}
