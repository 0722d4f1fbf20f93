// A question card edits one question and shows what was answered to it.

import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { change, decided, refused, remove, type Card } from '../../state/deciding.ts'
import { percent } from '../../state/memory.ts'
import { problemOf, TYPES, verdictOf, type Option } from '../../state/questions.ts'

type InputProps = { label: string; hint: string; value: string; onText: (text: string) => void }

function Input({ label, hint, value, onText }: InputProps): VNode {
  return (
    <input
      class="input"
      aria-label={label}
      placeholder={hint}
      value={value}
      onInput={(event) => onText(event.currentTarget.value)}
    />
  )
}

export function QuestionCard({ card, index }: { card: Card; index: number }): VNode {
  const { id, type, name, instructions } = card
  const { title, hint } = TYPES[type]
  const wrong = refused.value === id ? 'The server does not take this.' : problemOf(card)
  const label = `${title} ${index + 1}`
  const removeCard = (button: HTMLElement): void => {
    const row = button.closest('li')
    const near =
      row?.nextElementSibling ?? row?.previousElementSibling ?? row?.parentElement?.nextElementSibling
    remove(id)
    // The focus must not fall to the page's beginning.
    near?.querySelector<HTMLElement>('input, button')?.focus()
  }
  return (
    <fieldset class="panel stack decide-card">
      <legend class="visually-hidden">{label}</legend>
      <div class="line">
        <span class="badge" title={hint}>
          {title}
        </span>
        <Input label={`Name of ${label}`} hint="name" value={name} onText={(name) => change(id, { name })} />
        <Remove label={label} onClick={removeCard} />
      </div>
      <Input
        label={`Words of ${label}`}
        hint={hint}
        value={instructions}
        onText={(instructions) => change(id, { instructions })}
      />
      {type !== 'predicate' && <Options card={card} label={label} />}
      {wrong && <p class="bench-wrong">{wrong}</p>}
      <Answer card={card} />
    </fieldset>
  )
}

type RemoveProps = { label: string; disabled?: boolean; onClick: (button: HTMLElement) => void }

function Remove({ label, disabled, onClick }: RemoveProps): VNode {
  return (
    <button
      class="button quiet"
      aria-label={`Remove ${label}`}
      disabled={disabled}
      onClick={(event) => onClick(event.currentTarget)}
    >
      ×
    </button>
  )
}

function Options({ card: { id, type, options }, label }: { card: Card; label: string }): VNode {
  const what = type === 'choice' ? 'option' : 'level'
  // Once open it stays so until it is closed by hand: the focus may be in it.
  const isOpen = useRef(options.some((option) => option.label === '')).current
  const put = (changed: readonly Option[]): void => change(id, { options: changed })
  const set = (at: number, to: Partial<Option>): void =>
    put(options.map((option, i) => (i === at ? { ...option, ...to } : option)))
  return (
    <details open={isOpen}>
      <summary>
        {options.length} {what}s <span class="dim">{options.map((option) => option.label).join(', ')}</span>
      </summary>
      <div class="stack">
        {options.map((option, i) => {
          const name = `${what} ${i + 1} of ${label}`
          return (
            <div class="line" key={i}>
              <Input
                label={`Name of ${name}`}
                hint={what}
                value={option.label}
                onText={(label) => set(i, { label })}
              />
              <Input
                label={`Meaning of ${name}`}
                hint="what it means"
                value={option.description}
                onText={(description) => set(i, { description })}
              />
              <Remove
                label={name}
                disabled={options.length < 3}
                onClick={() => put(options.filter((_, other) => other !== i))}
              />
            </div>
          )
        })}
        <button class="button quiet" onClick={() => put([...options, { label: '', description: '' }])}>
          Add one
        </button>
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
      <strong>{said}</strong>
      <table>
        <thead>
          <tr class="dim">
            <td />
            <th scope="col">calibrated</th>
            <th scope="col">raw</th>
          </tr>
        </thead>
        <tbody>
          {bars.map(({ label, calibrated, raw, isBest }) => (
            <tr key={label} class={isBest ? 'is-best' : undefined}>
              <th scope="row">{label}</th>
              {[calibrated, raw].map((odds, i) => (
                <td key={i}>
                  <span class="share" style={{ '--share': String(odds) }} />
                  {percent(odds)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {note && <p class="decide-note">{note}</p>}
    </div>
  )
}
