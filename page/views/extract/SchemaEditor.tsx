// The schema editor is a text field that marks the place of what is wrong, whether JSON or the server says so.

import { useRef } from 'preact/hooks'
import type { VNode } from 'preact'
import { fault, isRefused, schema } from '../../state/extracting.ts'

const [LEAST_ROWS, MOST_ROWS] = [8, 26]

export function SchemaEditor(): VNode {
  const field = useRef<HTMLTextAreaElement>(null)
  const marks = useRef<HTMLPreElement>(null)
  const written = schema.value
  const wrong = fault.value
  const rows = Math.min(Math.max(written.split('\n').length, LEAST_ROWS), MOST_ROWS)
  const show = (): void => {
    if (wrong === undefined) return
    field.current?.focus()
    field.current?.setSelectionRange(wrong.start, Math.max(wrong.end, wrong.start + 1))
  }
  return (
    <div class="stack">
      <div class="field">
        <label for="extract-schema">JSON schema</label>
        <div class="extract-editor">
          <pre class="extract-marks" aria-hidden="true" ref={marks}>
            {wrong !== undefined && (
              <>
                {written.slice(0, wrong.start)}
                <mark>{written.slice(wrong.start, wrong.end) || ' '}</mark>
                {written.slice(wrong.end)}
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
            autocapitalize="off"
            aria-invalid={wrong !== undefined}
            aria-describedby={wrong === undefined ? undefined : 'extract-fault'}
            value={written}
            onInput={(event) => (schema.value = event.currentTarget.value)}
            onScroll={(event) => {
              const { scrollTop, scrollLeft } = event.currentTarget
              marks.current?.scrollTo(scrollLeft, scrollTop)
            }}
          />
        </div>
      </div>
      {wrong !== undefined && (
        <div class="extract-fault" id="extract-fault" role={isRefused.value ? 'alert' : undefined}>
          <span>
            Line {wrong.line}: {wrong.message}
          </span>
          <button class="button quiet" type="button" onClick={show}>
            Show the place
          </button>
        </div>
      )}
    </div>
  )
}
