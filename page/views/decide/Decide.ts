// The decide view asks questions about a text and shows the answers as probabilities.

import { add, body, cards, decide, decided, decision, takeExample, text } from '../../state/deciding.ts'
import { DECIDE_EXAMPLES } from '../../state/examples.ts'
import { TYPES, type QuestionType } from '../../state/questions.ts'
import { div, li, listed, ol, p, span } from '../elements.ts'
import { Workbench } from '../extract/Workbench.ts'
import { Button } from '../shell/controls.ts'
import { QuestionCard } from './QuestionCard.ts'

export function Decide(): HTMLElement {
  return Workbench({
    title: 'Decide',
    purpose: 'Questions about a text, answered by probabilities: nothing is made up.',
    examples: DECIDE_EXAMPLES,
    text,
    task: decision,
    canRun: () => body() !== undefined,
    onTake: takeExample,
    onRun: () => void decide(),
    below: Cost(),
    beside: Questions(),
  })
}

function Questions(): HTMLElement {
  const list = listed(
    ol({ class: 'decide-cards' }),
    () => cards.val,
    ({ id }) => id,
    (card) => li(QuestionCard(card)),
  )
  function addCard(type: QuestionType): void {
    add(type)
    // Once it is drawn.
    setTimeout(() => list.lastElementChild?.querySelector('input')?.focus())
  }
  return div(
    { class: 'stack' },
    list,
    div(
      { class: 'row', role: 'group', 'aria-label': 'Add a question' },
      span({ class: 'dim' }, 'Add a'),
      Object.entries(TYPES).map(([type, { title, hint }]) =>
        Button(title, () => addCard(type as QuestionType), '', { title: hint }),
      ),
    ),
  )
}

function Cost(): HTMLElement {
  return div(
    { class: 'stack bench-small' },
    p({ role: 'status' }, () => {
      if (decision.isRunning.val || !decided.val) return ''
      const { of, ms, calibrated } = decided.val
      const { input_tokens, input_tokens_details } = calibrated.usage
      return `${of.length} decided in ${Math.round(ms)} ms: ${input_tokens} tokens, ${input_tokens_details.cached_tokens} of them computed before.`
    }),
    p(
      { class: 'dim' },
      'Raw: how likely an option is behind the text. Calibrated: less how likely it is without.',
    ),
  )
}
