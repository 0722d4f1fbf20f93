// The extract view turns a text into an object that fits a schema, and shows it while it fills in.

import type { VNode } from 'preact'
import { EXTRACT_EXAMPLES, type Shot } from '../../state/examples.ts'
import { body, extraction, run, shot, takeExample, text } from '../../state/extracting.ts'
import { Result } from './Result.tsx'
import { SchemaEditor } from './SchemaEditor.tsx'
import { Area, Workbench } from './Workbench.tsx'

export function Extract(): VNode {
  const canRun = body.value !== undefined && text.value.trim() !== ''
  return (
    <Workbench
      title="Extract"
      purpose="A text becomes an object that fits the schema."
      examples={EXTRACT_EXAMPLES}
      text={text}
      task={extraction}
      canRun={canRun}
      onTake={takeExample}
      onRun={() => void run()}
      tools={
        <button class="button" disabled={!canRun} title="And a little warmer" onClick={() => void run(true)}>
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
    shot.value = changed.text + changed.answer ? changed : undefined
  }
  return (
    <details>
      <summary>
        A worked example <span class="dim">{shot.value && '(one)'}</span>
      </summary>
      <div class="stack">
        <p class="dim">Small models do far better with one.</p>
        <Area label="Another text" rows={3} value={given.text} onText={(text) => set({ text })} />
        <Area label="Its object" rows={3} value={given.answer} onText={(answer) => set({ answer })} />
      </div>
    </details>
  )
}
