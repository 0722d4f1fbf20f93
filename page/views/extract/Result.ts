// The result shows an extraction's object as fields or as it was written, with what the schema wrote greyed.

import van, { type ChildDom } from 'vanjs-core'
import { answer, extraction, type Answer } from '../../state/extracting.ts'
import { isHolder, readJson, runsOf, textOf, type JsonNode, type Run } from '../../state/partial-json.ts'
import { CopyButton } from '../chat/copy.ts'
import { dd, div, dl, dt, h3, li, ol, p, pre, span, when } from '../elements.ts'
import { Button } from '../shell/controls.ts'

export function Result(): ChildDom {
  return when(
    () => answer.val,
    Shown,
    () =>
      p(
        { class: 'panel extract-empty dim' },
        'Here the object is written; what the schema writes is greyed.',
      ),
  )
}

function Shown(): HTMLElement {
  const { isRunning } = extraction
  const isRaw = van.state(false)
  const runs = (): readonly Run[] => answer.val?.runs ?? []
  return div(
    { class: 'panel stack' },
    div(
      { class: 'row extract-tools' },
      h3('Object'),
      Button('Raw JSON', () => (isRaw.val = !isRaw.val), 'quiet', { 'aria-pressed': isRaw }),
      CopyButton(() => textOf(runs())),
    ),
    div(
      {
        class: () => `extract-object${isRunning.val ? ' is-growing' : ''}`,
        role: 'region',
        'aria-label': 'The object',
        'aria-busy': isRunning,
        tabIndex: 0,
      },
      () => {
        const { root } = readJson(textOf(runs()))
        return isRaw.val || !root ? pre({ class: 'mono' }, Runs(runs())) : Value(root, runs())
      },
    ),
    p({ class: 'dim bench-small' }, () => (answer.val ? statsOf(answer.val) : '')),
    p({ role: 'status', class: 'bench-small' }, () =>
      answer.val && !isRunning.val ? validityOf(answer.val) : '',
    ),
  )
}

function Runs(runs: readonly Run[]): HTMLElement {
  return span(runs.map(({ text, forced }) => span({ class: forced ? 'extract-forced' : '' }, text)))
}

function Value(node: JsonNode, runs: readonly Run[]): HTMLElement {
  const { members, isWhole } = node
  if (isHolder(node) ? members.length === 0 : isWhole && node.text === '')
    return span({ class: 'dim' }, isWhole ? 'empty' : '')
  if (!isHolder(node)) return Runs(runsOf(node, runs))
  const values = members.map(({ key, value }) => {
    const inner = value && Value(value, runs)
    return key ? div(dt(key.text), dd(inner)) : li(inner)
  })
  return node.opens === '{' ? dl(values) : ol(values)
}

function statsOf({ count, forced, firstMs, ms, sent }: Answer): string {
  return [
    `${count} tokens, ${forced} of them forced by the schema`,
    firstMs && `first after ${Math.round(firstMs)} ms`,
    ms > firstMs && count > 1 && `${Math.round((1000 * (count - 1)) / (ms - firstMs))} tokens a second`,
    ...['temperature', 'seed'].map((name) => sent[name] !== undefined && `${name} ${sent[name] as number}`),
  ]
    .filter(Boolean)
    .join(' · ')
}

/** What is announced at its end. */
function validityOf({ state, closedEarly, ignored = [] }: Answer): string {
  if (state === 'stopped') return 'Stopped.'
  if (state === undefined) return ''
  const rest = ignored.map((place) => place.replace(/.*#/, '')).join(', ')
  return `Valid by construction; it may still be untrue.${
    closedEarly ? ' Closed near the limit of tokens.' : ''
  }${rest && ` Without effect: ${rest}.`}`
}
