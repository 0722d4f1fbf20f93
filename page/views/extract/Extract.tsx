// The extract view turns a text into an object that fits a schema, and shows it while it fills in.

import type { VNode } from 'preact'
import { EXTRACT_EXAMPLES, type Shot } from '../../state/examples.ts'
import { body, failure, phase, run, shot, stop, takeExample, text } from '../../state/extracting.ts'
import { Result } from './Result.tsx'
import { SchemaEditor } from './SchemaEditor.tsx'
import { Area, Workbench } from './Workbench.tsx'

export function Extract(): VNode {
  const canRun = body.value !== undefined && text.value.trim() !== ''
  return (
    <Workbench
      name="extract"
      title="Extract"
      purpose="A text becomes an object. It fits the schema, whatever the model would rather say."
      examples={EXTRACT_EXAMPLES}
      text={text}
      isRunning={phase.value === 'running'}
      canRun={canRun}
      failure={failure.value}
      onTake={takeExample}
      onRun={() => void run()}
      onStop={stop}
      tools={
        <button
          class="button"
          disabled={!canRun}
          title="Again with another seed and a little warmer, so that it may say something else"
          onClick={() => void run(true)}
        >
          Try another seed
        </button>
      }
      below={<WorkedExample />}
      beside={<SchemaEditor />}
    >
      <Result />
    </Workbench>
  )
}

/** One text with its object, which the model sees in front of the real one. */
function WorkedExample(): VNode {
  const given = shot.value ?? { text: '', answer: '' }
  const set = (to: Partial<Shot>): void => {
    const changed = { ...given, ...to }
    shot.value = changed.text + changed.answer === '' ? undefined : changed
  }
  return (
    <details>
      <summary>
        A worked example <span class="dim">{shot.value ? '(one)' : '(none)'}</span>
      </summary>
      <div class="stack">
        <p class="dim">Small models do far better when they have seen one text with its object.</p>
        <Area label="Another text" rows={3} value={given.text} onText={(text) => set({ text })} />
        <Area
          label="Its object"
          rows={3}
          class="mono"
          value={given.answer}
          onText={(answer) => set({ answer })}
        />
      </div>
    </details>
  )
}
