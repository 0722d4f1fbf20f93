// The decide view asks questions about a text and shows the answers as probabilities.

import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { add, body, cards, decide, decided, failure, isAsking, stop, takeExample, text } from '../../state/deciding.ts' // prettier-ignore
import { DECIDE_EXAMPLES } from '../../state/examples.ts'
import { TYPES, type QuestionType } from '../../state/questions.ts'
import { Workbench } from '../extract/Workbench.tsx'
import { QuestionCard } from './QuestionCard.tsx'

export function Decide(): VNode {
  return (
    <Workbench
      name="decide"
      title="Decide"
      purpose="Questions about a text, answered by probabilities. Nothing is written, so nothing is made up."
      examples={DECIDE_EXAMPLES}
      text={text}
      isRunning={isAsking.value}
      canRun={body.value !== undefined}
      failure={failure.value}
      onTake={takeExample}
      onRun={() => void decide()}
      onStop={stop}
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
      {cards.value.length === 0 && (
        <p class="panel dim">No question yet: add one, or begin with an example.</p>
      )}
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
  const shown = isAsking.value ? undefined : decided.value
  const { input_tokens, input_tokens_details } = shown?.calibrated.usage ?? {}
  return (
    <div class="stack bench-small">
      <p role="status">
        {shown &&
          `${shown.of.length} decided in ${Math.round(shown.ms)} ms: ${input_tokens} tokens, ${input_tokens_details?.cached_tokens} of them computed before.`}
      </p>
      <p class="dim">
        The same prefix is computed once: all questions stand behind one text, so each costs little more than
        its own words.
      </p>
      <p class="dim">
        Raw is what the model gives an option’s words behind the text. Calibrated is that less what it gives
        them behind no text, so that common words do not win by being common.
      </p>
    </div>
  )
}
