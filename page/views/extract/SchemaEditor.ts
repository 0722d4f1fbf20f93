// The schema editor is a text field that marks the place of what is wrong.

import van from 'vanjs-core'
import { fault, isRefused, schema } from '../../state/extracting.ts'
import { bound, div, label, mark, pre, span, textarea } from '../elements.ts'
import { Button } from '../shell/controls.ts'

export function SchemaEditor(): HTMLElement {
  const wrong = van.derive(fault)
  const marks = pre(
    { 'aria-hidden': 'true' },
    () => schema.val.slice(0, wrong.val?.start ?? 0),
    () => (wrong.val ? mark(schema.val.slice(wrong.val.start, wrong.val.end) || ' ') : ''),
  )
  const field = textarea({
    id: 'extract-schema',
    class: 'input',
    rows: () => Math.min(Math.max(schema.val.split('\n').length, 8), 26),
    wrap: 'off',
    spellcheck: false,
    'aria-invalid': () => wrong.val !== undefined,
    'aria-describedby': 'extract-fault',
    onscroll: () => marks.scrollTo(field.scrollLeft, field.scrollTop),
    ...bound(schema),
  })
  return div(
    { class: 'field' },
    label({ for: 'extract-schema' }, 'JSON schema'),
    div({ class: 'extract-editor' }, marks, field),
    () => {
      if (!wrong.val) return ''
      const { line, message, start, end } = wrong.val
      function show(): void {
        field.focus()
        field.setSelectionRange(start, end)
      }
      return div(
        { class: 'bench-wrong line', id: 'extract-fault', ...(isRefused() && { role: 'alert' }) },
        span(`Line ${line}: ${message}`),
        Button('Show the place', show),
      )
    },
  )
}
