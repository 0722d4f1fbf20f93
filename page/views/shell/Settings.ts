// Settings hold the system prompt and sampling; each empty field shows the model's default in its place.

import van from 'vanjs-core'
import {
  defaultOf,
  FIELDS,
  resetSampling,
  samplingBody,
  systemPrompt,
  type SamplingField,
} from '../../state/sampling.ts'
import { bound, div, input, label, p, textarea } from '../elements.ts'
import { Button } from './controls.ts'

export function Settings(): HTMLElement {
  return div(
    { class: 'stack' },
    label(
      { class: 'field' },
      'System prompt',
      textarea({
        class: 'input',
        rows: 3,
        placeholder: 'What the model shall be or do',
        ...bound(systemPrompt),
      }),
    ),
    FIELDS.map(NumberField),
    Button('Back to the defaults', resetSampling, '', {
      disabled: () => Object.keys(samplingBody()).length === 0,
    }),
  )
}

function NumberField(field: SamplingField): HTMLElement {
  const { name, label: title, hint, least, most, step, value } = field
  const id = `sampling-${name}`
  const isWrong = (): boolean => value.val !== undefined && (value.val < least || value.val > most)
  const read = (): number | undefined =>
    Number.isNaN(written.valueAsNumber) ? undefined : written.valueAsNumber
  const written = input({
    id,
    class: 'input',
    type: 'number',
    inputMode: 'decimal',
    min: least,
    max: most,
    step,
    placeholder: () => defaultOf(field),
    'aria-invalid': isWrong,
    'aria-describedby': `${id}-hint`,
    oninput: () => (value.val = read()),
  })
  // What is being typed, as `1.`, stays as it is.
  van.derive(() => {
    if (value.val !== read()) written.value = String(value.val ?? '')
  })
  return div(
    { class: 'shell-number' },
    label({ for: id }, title),
    written,
    p({ id: `${id}-hint`, class: () => (isWrong() ? 'bad' : 'dim') }, () =>
      isWrong() ? `From ${least} to ${most}.` : hint,
    ),
  )
}
