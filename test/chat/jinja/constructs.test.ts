// Templates and what transformers' Jinja2 makes of them, construct by construct.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Program } from '../../../src/chat/jinja/engine.ts'
import { TemplateError, TemplateSyntax } from '../../../src/chat/jinja/errors.ts'
import { parseExactJson } from '../../../src/lib/exact-json.ts'

type Case = { what: string; template: string; context: string; text?: string; raises?: string }

const FILE = new URL('../../fixtures/jinja/constructs.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { cases: Case[] }

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

const COMPILING = ['TemplateSyntaxError', 'TemplateAssertionError']

it.each(cases)('$what: $template', (each) => {
  const raises = COMPILING.includes(each.raises ?? '') ? 'when compiled' : each.raises
  expect(rendered(each)).toBe(each.text ?? `raises ${raises}`)
})

it('the file is whole', () => {
  expect(cases.length).toBeGreaterThanOrEqual(162)
})
