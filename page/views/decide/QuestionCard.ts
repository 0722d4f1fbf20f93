// A question card edits one question and shows what was answered to it.

import { type ChildDom, type State } from 'vanjs-core'
import { cards, change, decided, refused, remove, type Card } from '../../state/deciding.ts'
import { percent } from '../../state/memory.ts'
import { problemOf, TYPES, verdictOf, type Option } from '../../state/questions.ts'
import { details, div, fieldset, input, legend, listed, p, span, strong, summary, table, tbody, td, th, thead, tr, when, type On } from '../elements.ts' // prettier-ignore
import { Button } from '../shell/controls.ts'

type Words = () => string

function Input(label: Words, placeholder: string, value: Words, onText: (text: string) => void): HTMLElement {
  const oninput = ({ currentTarget }: On): void => onText(currentTarget.value)
  return input({ class: 'input', 'aria-label': label, placeholder, value, oninput })
}

function Remove(
  label: Words,
  onclick: (event: On<HTMLElement>) => void,
  disabled: boolean | (() => boolean),
): HTMLElement {
  return Button('×', onclick, 'quiet', { 'aria-label': () => `Remove ${label()}`, disabled })
}

export function QuestionCard(card: State<Card>): HTMLElement {
  const { id, type } = card.rawVal
  const { title, hint } = TYPES[type]
  const label = (): string => `${title} ${cards.val.indexOf(card.val) + 1}`
  const wrong = (): string | undefined =>
    refused.val === id ? 'The server does not take this.' : problemOf(card.val)
  function removeCard({ currentTarget }: On<HTMLElement>): void {
    const row = currentTarget.closest('li')!
    const near = row.nextElementSibling ?? row.previousElementSibling ?? row.parentElement!.nextElementSibling
    remove(id)
    // The focus must not fall to the page's beginning.
    near?.querySelector<HTMLElement>('input, button')?.focus()
  }
  return fieldset(
    { class: 'panel stack decide-card' },
    legend({ class: 'unseen' }, label),
    div(
      { class: 'line' },
      span({ class: 'badge', title: hint }, title),
      Input(
        () => `Name of ${label()}`,
        'name',
        () => card.val.name,
        (name) => change(id, { name }),
      ),
      Remove(label, removeCard, false),
    ),
    Input(
      () => `Words of ${label()}`,
      hint,
      () => card.val.instructions,
      (instructions) => change(id, { instructions }),
    ),
    type === 'predicate' ? null : Options(card, label),
    when(wrong, () => p({ class: 'bench-wrong' }, wrong)),
    Answer(card),
  )
}

function Options(card: State<Card>, label: Words): HTMLElement {
  const { id, type, options } = card.rawVal
  const what = type === 'choice' ? 'option' : 'level'
  const all = (): readonly Option[] => card.val.options
  const put = (changed: readonly Option[]): void => change(id, { options: changed })
  function OptionRow(option: State<Option>, at: number): HTMLElement {
    const name = (): string => `${what} ${at + 1} of ${label()}`
    const set = (to: Partial<Option>): void =>
      put(all().map((one, i) => (i === at ? { ...one, ...to } : one)))
    return div(
      { class: 'line' },
      Input(
        () => `Name of ${name()}`,
        what,
        () => option.val.label,
        (label) => set({ label }),
      ),
      Input(
        () => `Meaning of ${name()}`,
        'what it means',
        () => option.val.description,
        (description) => set({ description }),
      ),
      Remove(
        name,
        () => put(all().filter((_, i) => i !== at)),
        () => all().length < 3,
      ),
    )
  }
  return details(
    // Once open it stays so until it is closed by hand: the focus may be in it.
    { open: options.some(({ label }) => label === '') },
    summary(
      () => `${all().length} ${what}s `,
      span({ class: 'dim' }, () =>
        all()
          .map(({ label }) => label)
          .join(', '),
      ),
    ),
    div(
      { class: 'stack' },
      listed(div({ class: 'stack' }), all, (_, at) => at, OptionRow),
      Button('Add one', () => put([...all(), { label: '', description: '' }])),
    ),
  )
}

/** Nothing where the question was changed since it was answered. */
function Answer(card: State<Card>): ChildDom {
  return () => {
    const shown = decided.val
    const index = shown?.of.indexOf(card.val) ?? -1
    if (shown === undefined || index < 0) return ''
    const { bars, said, note } = verdictOf(shown.calibrated, shown.raw, index)
    const share = (odds: number): HTMLElement =>
      td(span({ class: 'share', style: `--share:${odds}` }), percent(odds))
    const head = (scope: string, text: string): HTMLElement => th({ scope }, text)
    return div(
      { class: 'decide-answer' },
      strong(said),
      table(
        thead(tr({ class: 'dim' }, td(), head('col', 'calibrated'), head('col', 'raw'))),
        tbody(
          bars.map(({ label, calibrated, raw, isBest }) =>
            tr({ class: isBest ? 'is-best' : '' }, head('row', label), share(calibrated), share(raw)),
          ),
        ),
      ),
      note ? p({ class: 'decide-note' }, note) : null,
    )
  }
}
