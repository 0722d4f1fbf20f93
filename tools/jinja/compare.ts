// This script renders public chat templates with src/chat and compares each prompt with Python's rendering.
//
//   tools/jinja/compare.ts CORPUS [--src CHECKOUT] [--list FILE] [--write] [ID [NUMBER]]
//
// CORPUS is what tools/jinja/render.py wrote: `templates/ID.jinja` and `expected.jsonl`. The templates are not ours and
// stay outside the tree; `--write` puts the counts and each difference into docs/results/templates.json. `--list` writes
// each difference as a line of JSON, `--src` takes the engine of another checkout. Exit 1 where anything differs.
// Messages take the forms that src/chat offers a template; lists of parts stay lists, and null stays none, as Python has them.

import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type { ExactJson, ExactObject } from '../../src/lib/exact-json.ts'
import { ROOT } from '../root.ts'
import { KINDS, type Kind, type TemplateCounts } from './counts.ts'

const CONVERSATIONS = join(ROOT, 'test/fixtures/jinja/conversations.json')
const RESULTS = join(ROOT, 'docs/results/templates.json')

/** The moment of tools/jinja/reference.py, for `strftime_now`. */
const MOMENT = Date.UTC(2024, 6, 26, 9, 5, 3)

type Expected = { template: string; conversation: number } & (
  { text: string } | { raises: string; message: string }
)
type Parse = (text: string) => ExactJson
type Render = (source: string, messages: unknown, options: object) => string
type Forms = (messages: ExactJson, takesParts: () => boolean) => Iterable<ExactObject[]>
type Outcome = { text: string } | { error: string }

/** Of the checkout that is looked at: its numbers are known to its engine alone. */
type Side = {
  renderPrompt: Render
  checkTemplate: (source: string) => void
  parseExactJson: Parse
  messageForms: Forms
}

class FrozenDate extends Date {
  constructor(...given: [] | [number | string | Date]) {
    super(...((given.length === 0 ? [MOMENT] : given) as [number]))
  }

  static override now(): number {
    return MOMENT
  }
}

function outcomeOf({ renderPrompt, messageForms }: Side, source: string, conversation: ExactObject): Outcome {
  const options = {
    tools: conversation.get('tools') ?? [],
    addGenerationPrompt: conversation.get('add_generation_prompt') ?? true,
    bosToken: '<s>',
    eosToken: '</s>',
    variables: Object.fromEntries((conversation.get('variables') as ExactObject | undefined) ?? []),
  }
  const sent = (conversation.get('messages') ?? []) as ExactObject[]
  let refusal: Outcome | undefined
  for (const form of messageForms(sent, () => true)) {
    if (form.some((message, i) => message.get('content') === '' && sent[i].get('content') !== '')) continue
    try {
      return { text: renderPrompt(source, form, options) }
    } catch (error) {
      refusal ??= { error: error instanceof Error ? error.message : String(error) }
    }
  }
  return refusal ?? { error: 'no form was left' }
}

/** Why packing refuses the template, if it does. */
function refusalOf({ checkTemplate }: Side, source: string): string | undefined {
  try {
    checkTemplate(source)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function kindOf(expected: Expected, outcome: Outcome): Kind {
  if ('text' in expected) {
    if ('error' in outcome) return 'refusedHereOnly'
    return outcome.text === expected.text ? 'equal' : 'differs'
  }
  return 'error' in outcome ? 'bothRefuse' : 'refusedByPythonOnly'
}

/** Both sides from a little before the first character that differs. */
function firstDifference(expected: Expected, outcome: Outcome): object {
  if (!('text' in expected) || !('text' in outcome)) return { python: expected, here: outcome }
  let at = 0
  while (expected.text[at] === outcome.text[at]) at++
  const near = (text: string): string => text.slice(Math.max(0, at - 60), at + 100)
  return { at, python: near(expected.text), here: near(outcome.text) }
}

function refusedByReason(refusals: ReadonlyMap<string, string | undefined>): TemplateCounts['refused'] {
  const byReason = new Map<string, string[]>()
  for (const [template, refusal] of refusals) {
    const why = refusal?.replace(/^the chat template cannot be read: line \d+: /, '')
    if (why !== undefined) byReason.set(why, [...(byReason.get(why) ?? []), template])
  }
  return Array.from(byReason, ([why, templates]) => ({ why, templates }))
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { src: { type: 'string' }, list: { type: 'string' }, write: { type: 'boolean' } },
  })
  const [corpus, id, number] = positionals
  if (corpus === undefined) throw new Error('which corpus? tools/jinja/compare.ts CORPUS')
  const checkout = resolve(values.src ?? ROOT)
  const { renderPrompt, checkTemplate } = (await import(join(checkout, 'src/chat/template.ts'))) as Side
  const { parseExactJson } = (await import(join(checkout, 'src/lib/exact-json.ts'))) as Side
  const { messageForms } = (await import(join(checkout, 'src/chat/message-forms.ts'))) as Side
  const side: Side = { renderPrompt, checkTemplate, parseExactJson, messageForms }
  process.env.TZ = 'UTC'
  globalThis.Date = FrozenDate as DateConstructor

  const file = parseExactJson(readFileSync(CONVERSATIONS, 'utf8')) as ExactObject
  const conversations = file.get('conversations') as ExactObject[]
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>
  const unlike = new Set<string>()
  const refusals = new Map<string, string | undefined>()
  const [list, differences]: string[][] = [[], []]
  for await (const line of createInterface({ input: createReadStream(join(corpus, 'expected.jsonl')) })) {
    const expected = JSON.parse(line) as Expected
    const { template, conversation } = expected
    if (id !== undefined && template !== id) continue
    if (number !== undefined && conversation !== Number(number)) continue
    const source = readFileSync(join(corpus, 'templates', `${template}.jinja`), 'utf8')
    if (!refusals.has(template)) refusals.set(template, refusalOf(side, source))
    const outcome = outcomeOf(side, source, conversations[conversation])
    const refusal = refusals.get(template)
    const kind = refusal === undefined ? kindOf(expected, outcome) : 'refusedWhenPacking'
    counts[kind]++
    if (kind === 'equal' || kind === 'bothRefuse') continue
    const what = conversations[conversation].get('what') as string
    if (refusal === undefined) {
      unlike.add(template)
      differences.push(`${template} ${conversation} (${what}): ${kind}`)
    }
    list.push(JSON.stringify({ template, conversation, what, kind, ...firstDifference(expected, outcome) }))
  }

  const rendered = counts.equal + counts.differs + counts.refusedHereOnly
  const refused = refusedByReason(refusals)
  const results: TemplateCounts = {
    templates: refusals.size,
    templatesRefusedWhenPacking: refused.flatMap(({ templates }) => templates).length,
    templatesWithDifferences: unlike.size,
    conversations: conversations.length,
    renderedByPython: rendered,
    ...counts,
    equalPercent: Math.floor((counts.equal / rendered) * 100_000) / 1000,
    refused,
    differences,
  }
  process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  if (id !== undefined) for (const line of list) process.stdout.write(`${line}\n`)
  if (values.list !== undefined) writeFileSync(values.list, list.map((line) => `${line}\n`).join(''))
  if (values.write === true) writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`)
  return list.length === 0 ? 0 : 1
}

process.exitCode = await main()
