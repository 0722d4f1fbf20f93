// Settings hold the system prompt and sampling; each empty field shows the model's default in its place.

import type { VNode } from 'preact'
import { Button } from './controls.tsx'
import {
  defaultOf,
  FIELDS,
  resetSampling,
  samplingBody,
  systemPrompt,
  type SamplingField,
} from '../../state/sampling.ts'

export function Settings(): VNode {
  const changed = Object.keys(samplingBody()).length > 0
  return (
    <div class="stack">
      <label class="field">
        System prompt
        <textarea
          class="input"
          rows={3}
          placeholder="What the model shall be or do"
          value={systemPrompt.value}
          onInput={(event) => (systemPrompt.value = event.currentTarget.value)}
        />
      </label>
      {FIELDS.map((field) => (
        <NumberField key={field.name} field={field} />
      ))}
      <Button kind="" disabled={!changed} onClick={resetSampling}>
        Back to the defaults
      </Button>
    </div>
  )
}

function NumberField({ field }: { field: SamplingField }): VNode {
  const { name, label, hint, least, most, step, value } = field
  const id = `sampling-${name}`
  const wrong = value.value !== undefined && (value.value < least || value.value > most)
  return (
    <div class="shell-number">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        type="number"
        inputMode="decimal"
        min={least}
        max={most}
        step={step}
        placeholder={defaultOf(field)}
        value={value.value ?? ''}
        aria-invalid={wrong}
        aria-describedby={`${id}-hint`}
        onInput={({ currentTarget: { valueAsNumber } }) =>
          (value.value = Number.isNaN(valueAsNumber) ? undefined : valueAsNumber)
        }
      />
      <p id={`${id}-hint`} class={wrong ? 'shell-wrong' : 'dim'}>
        {wrong ? `From ${least} to ${most}.` : hint}
      </p>
    </div>
  )
}
