// A workbench is what extract and decide share: a heading, examples, a text, and a button that runs.

import { type ChildDom, type State } from 'vanjs-core'
import { type Task } from '../../state/task.ts'
import { button, div, h2, header, label, option, p, section, select, textarea, type On } from '../elements.ts' // prettier-ignore

type Props<T> = {
  title: string
  purpose: string
  examples: readonly T[]
  text: State<string>
  task: Task
  canRun: () => boolean
  onTake: (example: T) => void
  onRun: () => void
  /** Beside the button. */
  tools?: ChildDom
  /** Below the text. */
  below: ChildDom
  /** Beside the text. */
  beside: ChildDom
  /** Below both. */
  result?: ChildDom
}

export function Workbench<T extends { title: string }>(props: Props<T>): HTMLElement {
  const { title, examples, text, task, canRun, onRun } = props
  const { isRunning } = task
  function onkeydown(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onRun()
    else if (event.key === 'Escape' && isRunning.val) task.stop()
    else return
    event.preventDefault()
  }
  const take = ({ currentTarget }: On<HTMLSelectElement>): void =>
    props.onTake(examples[currentTarget.selectedIndex])
  return section(
    { class: `bench ${title.toLowerCase()} stack`, 'aria-label': title, onkeydown },
    header(
      { class: 'row apart bench-head' },
      div(h2(title), p({ class: 'dim' }, props.purpose)),
      label(
        'Begin with ',
        select(
          { class: 'input', onchange: take },
          examples.map((example) => option(example.title)),
        ),
      ),
    ),
    div(
      { class: 'bench-columns' },
      div(
        { class: 'stack' },
        Area('Text', 7, text, (written) => (text.val = written)),
        div(
          { class: 'row' },
          // One button, so that the focus stays where it is.
          button(
            {
              class: 'button primary',
              disabled: () => !isRunning.val && !canRun(),
              title: () => (isRunning.val ? 'Escape' : 'Ctrl + Enter'),
              onclick: () => (isRunning.val ? task.stop() : onRun()),
            },
            () => (isRunning.val ? 'Stop' : title),
          ),
          props.tools,
        ),
        Failure(task.failure),
        props.below,
      ),
      props.beside,
    ),
    props.result,
  )
}

export function Area(
  title: string,
  rows: number,
  value: State<string> | (() => string),
  onText: (text: string) => void,
): HTMLElement {
  const oninput = ({ currentTarget }: On): void => onText(currentTarget.value)
  return label({ class: 'field' }, title, textarea({ class: 'input', rows, value, oninput }))
}

/** What went wrong, in words; nothing where nothing did. */
export function Failure(text: State<string>): ChildDom {
  return () => (text.val ? p({ class: 'bench-wrong', role: 'alert' }, text.val) : '')
}
