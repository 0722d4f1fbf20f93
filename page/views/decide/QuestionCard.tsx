// A question card edits one question and shows what was answered to it.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { change, decided, refused, remove, type Card } from '../../state/deciding.ts'
import { percent, problemOf, TYPES, verdictOf, type Option } from '../../state/questions.ts'

export function QuestionCard({ card, index }: { card: Card; index: number }): VNode {
  const { id, type, name, instructions, options } = card
  const { title, hint } = TYPES[type]
  const root = useRef<HTMLFieldSetElement>(null)
  const wrong = refused.value === id ? 'The server does not take this question.' : problemOf(card)
  const label = `${title} ${index + 1}`
  const removeCard = (): void => {
    const row = root.current?.closest('li')
    const next = row?.nextElementSibling ?? row?.previousElementSibling
    remove(id)
    // The focus must not fall to the page's beginning.
    const near = next?.querySelector('input') ?? document.querySelector<HTMLElement>('[aria-label="Add a question"] button') // prettier-ignore
    near?.focus()
  }
  return (
    <fieldset class="panel stack decide-card" ref={root}>
      <legend class="visually-hidden">{label}</legend>
      <div class="row decide-head">
        <span class="badge" title={hint}>
          {title}
        </span>
        <input
          class="input decide-name"
          aria-label={`Name of ${label}`}
          placeholder="name"
          maxLength={64}
          value={name}
          onInput={(event) => change(id, { name: event.currentTarget.value })}
        />
        <button class="button quiet" type="button" aria-label={`Remove ${label}`} onClick={removeCard}>
          Remove
        </button>
      </div>
      <input
        class="input"
        aria-label={`${type === 'predicate' ? 'Statement' : 'Question'} of ${label}`}
        placeholder={type === 'predicate' ? 'What may be true, as a statement' : 'What is asked'}
        value={instructions}
        onInput={(event) => change(id, { instructions: event.currentTarget.value })}
      />
      {type !== 'predicate' && <Options card={card} label={label} options={options} />}
      {wrong !== undefined && <p class="decide-wrong">{wrong}</p>}
      <Answer card={card} />
    </fieldset>
  )
}

function Options({ card, label, options }: { card: Card; label: string; options: readonly Option[] }): VNode {
  const { id, type } = card
  const least = type === 'choice' ? 2 : 1
  const set = (at: number, to: Partial<Option>): void =>
    change(id, { options: options.map((option, i) => (i === at ? { ...option, ...to } : option)) })
  const what = type === 'choice' ? 'option' : 'level'
  // Once open it stays so: the focus may be in it.
  const isOpen = useSignal(options.some((option) => option.label === ''))
  return (
    <details
      class="decide-options"
      open={isOpen.value}
      onToggle={(event) => (isOpen.value = event.currentTarget.open)}
    >
      <summary>
        {options.length} {what}s<span class="dim"> {options.map((option) => option.label).join(', ')}</span>
      </summary>
      <div class="stack">
        {options.map((option, i) => (
          <div class="decide-option" key={i}>
            <input
              class="input"
              aria-label={`Name of ${what} ${i + 1} of ${label}`}
              placeholder={what}
              value={option.label}
              onInput={(event) => set(i, { label: event.currentTarget.value })}
            />
            <input
              class="input"
              aria-label={`Meaning of ${what} ${i + 1} of ${label}`}
              placeholder="what it means (of all, or of none)"
              value={option.description}
              onInput={(event) => set(i, { description: event.currentTarget.value })}
            />
            <button
              class="button quiet"
              type="button"
              aria-label={`Remove ${what} ${i + 1} of ${label}`}
              disabled={options.length <= least}
              onClick={() => change(id, { options: options.filter((_, other) => other !== i) })}
            >
              ×
            </button>
          </div>
        ))}
        <div class="row">
          <button
            class="button quiet"
            type="button"
            onClick={() => change(id, { options: [...options, { label: '', description: '' }] })}
          >
            Add {what === 'option' ? 'an option' : 'a level'}
          </button>
        </div>
      </div>
    </details>
  )
}

/** Nothing where the question was changed since it was answered. */
function Answer({ card }: { card: Card }): VNode | null {
  const shown = decided.value
  const index = shown?.of.indexOf(card) ?? -1
  if (shown === undefined || index < 0) return null
  const { bars, said, note } = verdictOf(shown.calibrated, shown.raw, index)
  return (
    <div class="decide-answer">
      <p>
        <strong>{said}</strong>
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Option</span>
            </th>
            <th scope="col">calibrated</th>
            <th scope="col">raw</th>
          </tr>
        </thead>
        <tbody>
          {bars.map(({ label, calibrated, raw, isBest }) => (
            <tr key={label} class={isBest ? 'is-best' : undefined}>
              <th scope="row">{label}</th>
              <td>
                <Share odds={calibrated} />
              </td>
              <td>
                <Share odds={raw} isRaw />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {note !== undefined && <p class="decide-note">{note}</p>}
    </div>
  )
}

function Share({ odds, isRaw = false }: { odds: number; isRaw?: boolean }): VNode {
  return (
    <span class={`decide-share${isRaw ? ' is-raw' : ''}`}>
      <span class="decide-track">
        <span class="decide-bar" style={{ width: `${(100 * odds).toFixed(1)}%` }} />
      </span>
      <span class="decide-percent">{percent(odds)}</span>
    </span>
  )
}
