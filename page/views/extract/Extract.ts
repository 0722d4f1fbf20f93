// The extract view turns a text into an object that fits a schema, and shows it while it fills in.

import { EXTRACT_EXAMPLES, type Shot } from '../../state/examples.ts'
import { body, extraction, run, shot, takeExample, text } from '../../state/extracting.ts'
import { details, div, p, span, summary } from '../elements.ts'
import { Button } from '../shell/controls.ts'
import { Result } from './Result.ts'
import { SchemaEditor } from './SchemaEditor.ts'
import { Area, Workbench } from './Workbench.ts'

export function Extract(): HTMLElement {
  const canRun = (): boolean => body() !== undefined && text.val.trim() !== ''
  return Workbench({
    title: 'Extract',
    purpose: 'A text becomes an object that fits the schema.',
    examples: EXTRACT_EXAMPLES,
    text,
    task: extraction,
    canRun,
    onTake: takeExample,
    onRun: () => void run(),
    tools: Button('Try another seed', () => run(true), '', {
      disabled: () => !canRun(),
      title: 'And a little warmer',
    }),
    below: WorkedExample(),
    beside: SchemaEditor(),
    result: Result(),
  })
}

/** One text with its object, which the model sees in front of the real one. */
function WorkedExample(): HTMLElement {
  const given = (): Shot => shot.val ?? { text: '', answer: '' }
  function set(to: Partial<Shot>): void {
    const changed = { ...given(), ...to }
    shot.val = changed.text + changed.answer ? changed : undefined
  }
  return details(
    summary(
      'A worked example ',
      span({ class: 'dim' }, () => (shot.val ? '(one)' : '')),
    ),
    div(
      { class: 'stack' },
      p({ class: 'dim' }, 'Small models do far better with one.'),
      Area(
        'Another text',
        3,
        () => given().text,
        (text) => set({ text }),
      ),
      Area(
        'Its object',
        3,
        () => given().answer,
        (answer) => set({ answer }),
      ),
    ),
  )
}
