// The schema editor is a text field that marks the place of what is wrong.

import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { fault, isRefused, schema } from '../../state/extracting.ts'

export function SchemaEditor(): VNode {
  const field = useRef<HTMLTextAreaElement>(null)
  const marks = useRef<HTMLPreElement>(null)
  const written = schema.value
  const wrong = fault.value
  const { start = 0, end = 0 } = wrong ?? {}
  const show = (): void => {
    field.current?.focus()
    field.current?.setSelectionRange(start, end)
  }
  return (
    <div class="field">
      <label for="extract-schema">JSON schema</label>
      <div class="extract-editor">
        <pre aria-hidden="true" ref={marks}>
          {written.slice(0, start)}
          {wrong && <mark>{written.slice(start, end) || ' '}</mark>}
        </pre>
        <textarea
          id="extract-schema"
          class="input"
          ref={field}
          rows={Math.min(Math.max(written.split('\n').length, 8), 26)}
          wrap="off"
          spellcheck={false}
          aria-invalid={wrong !== undefined}
          aria-describedby="extract-fault"
          value={written}
          onInput={(event) => (schema.value = event.currentTarget.value)}
          onScroll={({ currentTarget: { scrollLeft, scrollTop } }) =>
            marks.current?.scrollTo(scrollLeft, scrollTop)
          }
        />
      </div>
      {wrong && (
        <div class="bench-wrong line" id="extract-fault" role={isRefused.value ? 'alert' : undefined}>
          <span>
            Line {wrong.line}: {wrong.message}
          </span>
          <button class="button quiet" onClick={show}>
            Show the place
          </button>
        </div>
      )}
    </div>
  )
}
