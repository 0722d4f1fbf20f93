// The decide view asks questions about a text and shows the answers as probabilities.

import { useRef } from 'preact/hooks'
import type { VNode } from 'preact'
import {
  add,
  body,
  cards,
  decide,
  decided,
  failure,
  isAsking,
  stop,
  takeExample,
  text,
} from '../../state/deciding.ts'
import { DECIDE_EXAMPLES } from '../../state/examples.ts'
import { TYPES, type QuestionType } from '../../state/questions.ts'
import { Examples } from '../extract/Examples.tsx'
import { QuestionCard } from './QuestionCard.tsx'

export function Decide(): VNode {
  const list = useRef<HTMLOListElement>(null)
  const begin = (): void => void decide()
  const addCard = (type: QuestionType): void => {
    add(type)
    // Once it is drawn.
    setTimeout(() => list.current?.lastElementChild?.querySelector('input')?.focus())
  }
  return (
    <section
      class="decide stack"
      aria-labelledby="decide-title"
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) begin()
        else if (event.key === 'Escape' && isAsking.value) stop()
        else return
        event.preventDefault()
      }}
    >
      <header class="extract-head">
        <div>
          <h2 id="decide-title">Decide</h2>
          <p class="dim">
            Questions about a text, answered by probabilities. Nothing is written, so nothing is made up.
          </p>
        </div>
        <Examples list={DECIDE_EXAMPLES} onTake={takeExample} />
      </header>
      <div class="extract-columns">
        <div class="stack decide-text">
          <label class="field">
            Text
            <textarea
              class="input"
              rows={7}
              value={text.value}
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
          </label>
          <div class="row">
            <button
              class="button primary"
              type="button"
              disabled={!isAsking.value && body.value === undefined}
              title={isAsking.value ? 'Escape' : 'Ctrl + Enter'}
              onClick={() => (isAsking.value ? stop() : begin())}
            >
              {isAsking.value ? 'Stop' : 'Decide'}
            </button>
          </div>
          {failure.value !== undefined && (
            <p class="extract-failure" role="alert">
              {failure.value}
            </p>
          )}
          <Cost />
        </div>
        <div class="stack">
          {cards.value.length === 0 && (
            <p class="panel dim">No question yet. Add one below, or begin with an example.</p>
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
              <button
                key={type}
                class="button"
                type="button"
                title={TYPES[type].hint}
                onClick={() => addCard(type)}
              >
                {TYPES[type].title}
              </button>
            ))}
          </div>
        </div>
      </div>
    </section>
  )
}

function Cost(): VNode {
  const shown = decided.value
  const { input_tokens, input_tokens_details } = shown?.calibrated.usage ?? {}
  return (
    <>
      <p role="status" class="extract-said">
        {shown !== undefined &&
          !isAsking.value &&
          `${shown.of.length === 1 ? 'One question' : `${shown.of.length} questions`} decided in ${Math.round(shown.ms)} ms: ${input_tokens} tokens, ${input_tokens_details?.cached_tokens} of them already computed.`}
      </p>
      {shown !== undefined && (
        <p class="dim extract-said">
          The same prefix is computed once: all questions stand behind the same text, so each costs little
          more than its own words.
        </p>
      )}
      {shown !== undefined && (
        <p class="dim extract-said">
          Raw is what the model gives the words of an option behind the text. Calibrated is that less what it
          gives them behind no text at all, so that a common word does not win by being common.
        </p>
      )}
    </>
  )
}
