// Templates and what transformers' Jinja2 makes of them, construct by construct.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Program } from '../../../src/chat/jinja/engine.ts'
import { TemplateError, TemplateSyntax } from '../../../src/chat/jinja/errors.ts'
import { parseExactJson } from '../../../src/lib/exact-json.ts'

type Case = { what: string; template: string; context: string; text?: string; raises?: string }

function casesOf(file: string): Case[] {
  const url = new URL(`../../fixtures/jinja/${file}`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: Case[] }).cases
}
const [cases, own] = ['constructs.json', 'own-constructs.json'].map(casesOf)

/** What is refused when it is compiled, and what Python does with it while it renders. */
const ON_PURPOSE: Readonly<Record<string, string>> = {
  // Loading a template raises TypeError in transformers, which gives the environment no loader.
  include: 'raises TypeError',
  'include that may be missing': 'raises TypeError',
  import: 'raises TypeError',
  extends: 'raises TypeError',
  // A table of all Unicode names is larger than the Worker.
  'value: an escape of a name': '•',
}

/** The text, or the class of the error: what cannot be compiled is a syntax or an assertion error in Python. */
function rendered({ template, context }: Case): string {
  try {
    return new Program(template).render(Object.fromEntries(parseExactJson(context) as Map<string, unknown>))
  } catch (error) {
    if (error instanceof TemplateError) return `raises ${error.kind}`
    if (error instanceof TemplateSyntax) return 'raises when compiled'
    throw error
  }
}

/** The last one is what Python says of the code that Jinja writes for a template. */
const COMPILING = ['TemplateSyntaxError', 'TemplateAssertionError', 'SyntaxError']

function wanted({ text, raises }: Case): string {
  return text ?? `raises ${COMPILING.includes(raises ?? '') ? 'when compiled' : raises}`
}

it.each([...cases, ...own.filter(({ what }) => !(what in ON_PURPOSE))])('$what: $template', (each) => {
  expect(rendered(each)).toBe(wanted(each))
})

it.each(Object.entries(ON_PURPOSE))('%s is refused on purpose, where Python %s', (what, python) => {
  const found = own.filter((each) => each.what === what)
  expect(found.map(wanted)).toEqual([python])
  expect(found.map(rendered)).toEqual(['raises when compiled'])
})

it('the files are whole', () => {
  expect(cases.length).toBeGreaterThanOrEqual(162)
  expect(own.length).toBeGreaterThanOrEqual(477)
})
