// A workbench is what extract and decide share: a heading, examples, a text, and a button that runs.

import type { Signal } from '@preact/signals'
import type { ComponentChildren, VNode } from 'preact'

type Props<T> = {
  /** Of the tab, in lower case. */
  name: string
  title: string
  purpose: string
  examples: readonly T[]
  text: Signal<string>
  isRunning: boolean
  canRun: boolean
  failure: string | undefined
  onTake: (example: T) => void
  onRun: () => void
  onStop: () => void
  /** Beside the button. */
  tools?: ComponentChildren
  /** Below the text. */
  below?: ComponentChildren
  /** Beside the text. */
  beside: ComponentChildren
  /** Below both; the button then stands in front of it, else under the text. */
  children?: ComponentChildren
}

export function Workbench<T extends { title: string }>(props: Props<T>): VNode {
  const { name, title, purpose, examples, text, isRunning, canRun, failure, onTake, onRun, onStop } = props
  const act = (
    <>
      <div class="row">
        {/* One button, so that the focus stays where it is. */}
        <button
          class="button primary"
          disabled={!isRunning && !canRun}
          title={isRunning ? 'Escape' : 'Ctrl + Enter'}
          onClick={isRunning ? onStop : onRun}
        >
          {isRunning ? 'Stop' : title}
        </button>
        {props.tools}
      </div>
      <Failure text={failure} />
    </>
  )
  return (
    <section
      class={`bench ${name} stack`}
      aria-labelledby={`${name}-title`}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onRun()
        else if (event.key === 'Escape' && isRunning) onStop()
        else return
        event.preventDefault()
      }}
    >
      <header class="bench-head">
        <div>
          <h2 id={`${name}-title`}>{title}</h2>
          <p class="dim">{purpose}</p>
        </div>
        <label class="bench-examples">
          <span class="dim">Begin with</span>
          <select class="input" onChange={(event) => onTake(examples[event.currentTarget.selectedIndex])}>
            {examples.map((example) => (
              <option key={example.title}>{example.title}</option>
            ))}
          </select>
        </label>
      </header>
      <div class="bench-columns">
        <div class="stack bench-text">
          <Area label="Text" value={text.value} onText={(written) => (text.value = written)} rows={7} />
          {!props.children && act}
          {props.below}
        </div>
        {props.beside}
      </div>
      {props.children && act}
      {props.children}
    </section>
  )
}

type AreaProps = {
  label: string
  value: string
  rows: number
  class?: string
  onText: (text: string) => void
}

export function Area({ label, value, rows, class: more = '', onText }: AreaProps): VNode {
  return (
    <label class="field">
      {label}
      <textarea
        class={`input ${more}`}
        rows={rows}
        value={value}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </label>
  )
}

/** What went wrong, in words; nothing where nothing did. */
export function Failure({ text }: { text: string | undefined }): VNode | null {
  if (text === undefined) return null
  return (
    <p class="bench-wrong" role="alert">
      {text}
    </p>
  )
}
