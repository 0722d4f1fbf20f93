// The decide view asks questions about a text and shows the answers as probabilities.

import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { add, body, cards, decide, decided, decision, takeExample, text } from '../../state/deciding.ts'
import { DECIDE_EXAMPLES } from '../../state/examples.ts'
import { TYPES, type QuestionType } from '../../state/questions.ts'
import { Workbench } from '../extract/Workbench.tsx'
import { QuestionCard } from './QuestionCard.tsx'

export function Decide(): VNode {
  return (
    <Workbench
      title="Decide"
      purpose="Questions about a text, answered by probabilities: nothing is made up."
      examples={DECIDE_EXAMPLES}
      text={text}
      task={decision}
      canRun={body.value !== undefined}
      onTake={takeExample}
      onRun={() => void decide()}
      below={<Cost />}
      beside={<Questions />}
    />
  )
}

function Questions(): VNode {
  const list = useRef<HTMLOListElement>(null)
  const addCard = (type: QuestionType): void => {
    add(type)
    // Once it is drawn.
    setTimeout(() => list.current?.lastElementChild?.querySelector('input')?.focus())
  }
  return (
    <div class="stack">
      <ol class="decide-cards" ref={list}>
        {cards.value.map((card, index) => (
          <li key={card.id}>
            <QuestionCard card={card} index={index} />
          </li>
        ))}
      </ol>
      <div class="row" role="group" aria-label="Add a question">
        <span class="dim">Add a</span>
        {(Object.keys(TYPES) as QuestionType[]).map((type) => (
          <button key={type} class="button" title={TYPES[type].hint} onClick={() => addCard(type)}>
            {TYPES[type].title}
          </button>
        ))}
      </div>
    </div>
  )
}

function Cost(): VNode {
  const { of, ms, calibrated } = (!decision.isRunning.value && decided.value) || {}
  const { input_tokens, input_tokens_details } = calibrated?.usage ?? {}
  return (
    <div class="stack bench-small">
      <p role="status">
        {of &&
          `${of.length} decided in ${Math.round(Number(ms))} ms: ${input_tokens} tokens, ${input_tokens_details?.cached_tokens} of them computed before.`}
      </p>
      <p class="dim">
        Raw is how likely an option is behind the text; calibrated is that less how likely it is without.
      </p>
    </div>
  )
}
