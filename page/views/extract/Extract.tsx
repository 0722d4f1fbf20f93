// The extract view turns a text into an object that fits a schema, and shows it while it fills in.

import type { VNode } from 'preact'
import { useSignal } from '@preact/signals'
import { EXTRACT_EXAMPLES } from '../../state/examples.ts'
import { body, failure, phase, run, shot, stop, takeExample, text } from '../../state/extracting.ts'
import { Examples } from './Examples.tsx'
import { Result } from './Result.tsx'
import { SchemaEditor } from './SchemaEditor.tsx'

export function Extract(): VNode {
  const isRunning = phase.value === 'running'
  const begin = (varied?: boolean): void => void run(varied)
  return (
    <section
      class="extract stack"
      aria-labelledby="extract-title"
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) begin()
        else if (event.key === 'Escape' && isRunning) stop()
        else return
        event.preventDefault()
      }}
    >
      <header class="extract-head">
        <div>
          <h2 id="extract-title">Extract</h2>
          <p class="dim">
            A text becomes an object. It fits the schema, whatever the model would rather say.
          </p>
        </div>
        <Examples list={EXTRACT_EXAMPLES} onTake={takeExample} />
      </header>
      <div class="extract-columns">
        <div class="stack">
          <label class="field">
            Text
            <textarea
              class="input"
              rows={7}
              value={text.value}
              onInput={(event) => (text.value = event.currentTarget.value)}
            />
          </label>
          <WorkedExample />
        </div>
        <SchemaEditor />
      </div>
      <div class="row">
        <button
          class="button primary"
          type="button"
          disabled={!isRunning && (body.value === undefined || text.value.trim() === '')}
          title={isRunning ? 'Escape' : 'Ctrl + Enter'}
          onClick={() => (isRunning ? stop() : begin())}
        >
          {isRunning ? 'Stop' : 'Extract'}
        </button>
        <button
          class="button"
          type="button"
          disabled={body.value === undefined || text.value.trim() === ''}
          title="Runs again with another seed, a little warmer, so that it may say something else"
          onClick={() => begin(true)}
        >
          Try another seed
        </button>
      </div>
      {failure.value !== undefined && (
        <p class="extract-failure" role="alert">
          {failure.value}
        </p>
      )}
      <Result />
    </section>
  )
}

/** One text with its object, which the model sees in front of the real one. */
function WorkedExample(): VNode {
  const isOpen = useSignal(false)
  const given = shot.value
  const set = (to: { text?: string; answer?: string }): void => {
    const changed = { ...(shot.peek() ?? { text: '', answer: '' }), ...to }
    shot.value = changed.text.trim() === '' && changed.answer.trim() === '' ? undefined : changed
  }
  return (
    <details open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>
        A worked example <span class="dim">{given === undefined ? '(none)' : '(one)'}</span>
      </summary>
      <div class="stack extract-shot">
        <p class="dim">Small models do far better when they have seen one text with its object.</p>
        <label class="field">
          Another text
          <textarea
            class="input"
            rows={3}
            value={given?.text ?? ''}
            onInput={(event) => set({ text: event.currentTarget.value })}
          />
        </label>
        <label class="field">
          Its object
          <textarea
            class="input mono"
            rows={3}
            spellcheck={false}
            value={given?.answer ?? ''}
            onInput={(event) => set({ answer: event.currentTarget.value })}
          />
        </label>
      </div>
    </details>
  )
}
