// A workbench is what extract and decide share: a heading, examples, a text, and a button that runs.

import type { Signal } from '@preact/signals'
import type { ComponentChildren, TextareaHTMLAttributes, VNode } from 'preact'
import type { Task } from '../../state/task.ts'

type Props<T> = {
  title: string
  purpose: string
  examples: readonly T[]
  text: Signal<string>
  task: Task
  canRun: boolean
  onTake: (example: T) => void
  onRun: () => void
  /** Beside the button. */
  tools?: ComponentChildren
  /** Below the text. */
  below: ComponentChildren
  /** Beside the text. */
  beside: ComponentChildren
  /** Below both. */
  children?: ComponentChildren
}

export function Workbench<T extends { title: string }>(props: Props<T>): VNode {
  const { title, examples, text, task, canRun, onRun } = props
  const isRunning = task.isRunning.value
  return (
    <section
      class={`bench ${title.toLowerCase()} stack`}
      aria-label={title}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onRun()
        else if (event.key === 'Escape' && isRunning) task.stop()
        else return
        event.preventDefault()
      }}
    >
      <header class="row bench-head">
        <div>
          <h2>{title}</h2>
          <p class="dim">{props.purpose}</p>
        </div>
        <label>
          Begin with{' '}
          <select
            class="input"
            onChange={(event) => props.onTake(examples[event.currentTarget.selectedIndex])}
          >
            {examples.map((example) => (
              <option key={example.title}>{example.title}</option>
            ))}
          </select>
        </label>
      </header>
      <div class="bench-columns">
        <div class="stack">
          <Area label="Text" rows={7} value={text.value} onText={(written) => (text.value = written)} />
          <div class="row">
            {/* One button, so that the focus stays where it is. */}
            <button
              class="button primary"
              disabled={!isRunning && !canRun}
              title={isRunning ? 'Escape' : 'Ctrl + Enter'}
              onClick={isRunning ? task.stop : onRun}
            >
              {isRunning ? 'Stop' : title}
            </button>
            {props.tools}
          </div>
          <Failure text={task.failure.value} />
          {props.below}
        </div>
        {props.beside}
      </div>
      {props.children}
    </section>
  )
}

type AreaProps = TextareaHTMLAttributes & { label: string; onText: (text: string) => void }

export function Area({ label, onText, ...rest }: AreaProps): VNode {
  return (
    <label class="field">
      {label}
      <textarea class="input" onInput={(event) => onText(event.currentTarget.value)} {...rest} />
    </label>
  )
}

/** What went wrong, in words; nothing where nothing did. */
export function Failure({ text }: { text: string | undefined }): VNode | null {
  return text ? (
    <p class="bench-wrong" role="alert">
      {text}
    </p>
  ) : null
}
