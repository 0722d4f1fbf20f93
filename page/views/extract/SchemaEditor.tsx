// The schema editor is a text field that marks the place of what is wrong.

import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { fault, isRefused, schema } from '../../state/extracting.ts'

export function SchemaEditor(): VNode {
  const field = useRef<HTMLTextAreaElement>(null)
  const marks = useRef<HTMLPreElement>(null)
  const written = schema.value
  const wrong = fault.value
  const rows = Math.min(Math.max(written.split('\n').length, 8), 26)
  const show = (): void => {
    field.current?.focus()
    if (wrong !== undefined)
      field.current?.setSelectionRange(wrong.start, Math.max(wrong.end, wrong.start + 1))
  }
  return (
    <div class="field">
      <label for="extract-schema">JSON schema</label>
      <div class="extract-editor">
        <pre aria-hidden="true" ref={marks}>
          {wrong && (
            <>
              {written.slice(0, wrong.start)}
              <mark>{written.slice(wrong.start, wrong.end) || ' '}</mark>
            </>
          )}
        </pre>
        <textarea
          id="extract-schema"
          class="input mono"
          ref={field}
          rows={rows}
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
        <div
          class="bench-wrong extract-fault"
          id="extract-fault"
          role={isRefused.value ? 'alert' : undefined}
        >
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
