// The result shows an extraction's object as fields or as it was written, with what the schema wrote greyed.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { answer, drawn, phase, rawText, type Answer, type Phase } from '../../state/extracting.ts'
import { textOf, type JsonNode, type Run } from '../../state/partial-json.ts'

export function Result(): VNode {
  const isRaw = useSignal(false)
  const isCopied = useSignal(false)
  void drawn.value // the answer grows in place
  const shown = answer.value
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(rawText())
    isCopied.value = true
    setTimeout(() => (isCopied.value = false), 2000)
  }
  if (shown === undefined)
    return (
      <div class="panel extract-empty dim">
        The object appears here while it is written. Names of fields are the schema’s: the model is not asked
        for them, and they are greyed.
      </div>
    )
  return (
    <div class="panel stack">
      <div class="row extract-tools">
        <h3>Object</h3>
        <button
          class="button quiet"
          type="button"
          aria-pressed={isRaw.value}
          onClick={() => (isRaw.value = !isRaw.value)}
        >
          Raw JSON
        </button>
        <button
          class="button quiet"
          type="button"
          disabled={shown.runs.length === 0}
          onClick={() => void copy()}
        >
          {isCopied.value ? 'Copied' : 'Copy'}
        </button>
      </div>
      <div
        class={`extract-object${phase.value === 'running' ? ' is-growing' : ''}`}
        role="region"
        aria-label="The object"
        aria-busy={phase.value === 'running'}
        tabIndex={0}
      >
        {isRaw.value || shown.reader.root === undefined ? (
          <pre class="mono">
            <Runs runs={shown.runs} />
          </pre>
        ) : (
          <Value node={shown.reader.root} />
        )}
      </div>
      <p class="dim extract-said">{statsOf(shown)}</p>
      <p role="status" class="extract-said">
        {validityOf(phase.value, shown)}
      </p>
    </div>
  )
}

function Runs({ runs }: { runs: readonly Run[] }): VNode {
  return (
    <>
      {runs.map(({ text, forced }, i) => (
        <span key={i} class={forced ? 'extract-forced' : undefined}>
          {text}
        </span>
      ))}
    </>
  )
}

function Value({ node }: { node: JsonNode }): VNode {
  if (node.kind === 'object')
    return (
      <dl>
        {node.members.map(({ key, value }) => (
          <div key={key.start}>
            <dt>{textOf(key)}</dt>
            <dd>{value && <Value node={value} />}</dd>
          </div>
        ))}
      </dl>
    )
  if (node.kind === 'array')
    return node.items.length === 0 ? (
      <span class="dim">{node.isWhole ? 'an empty list' : ''}</span>
    ) : (
      <ol>
        {node.items.map((item) => (
          <li key={item.start}>
            <Value node={item} />
          </li>
        ))}
      </ol>
    )
  if (node.kind === 'string' && node.isWhole && node.runs.length === 0)
    return <span class="dim">an empty text</span>
  return (
    <span class={node.kind === 'bare' ? 'mono' : undefined}>
      <Runs runs={node.runs} />
    </span>
  )
}

function statsOf({ count, forced, firstMs, ms, seed }: Answer): string {
  const parts = [
    `${count} tokens`,
    `${forced} of them forced by the schema, which are greyed`,
    ...(firstMs === undefined ? [] : [`first after ${Math.round(firstMs)} ms`]),
    ...(ms === undefined || firstMs === undefined || ms <= firstMs || count < 2
      ? []
      : [`${Math.round((1000 * (count - 1)) / (ms - firstMs))} tokens a second`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ]
  return parts.join(' · ')
}

/** What is announced: nothing while it grows. */
function validityOf(phase: Phase, { closedEarly, ignored }: Answer): string {
  if (phase === 'stopped') return 'Stopped. What is there is the beginning of a valid object.'
  if (phase !== 'done') return ''
  const rest = ignored.map((place) => place.slice(place.indexOf('#') + 1)).join(', ')
  return [
    'Valid by construction: nothing else than an object of this schema could be written. Whether it is true is another matter.',
    ...(closedEarly ? ['It was led to its end because the limit of tokens was near.'] : []),
    ...(rest === '' ? [] : [`Of the schema these say nothing here: ${rest}.`]),
  ].join(' ')
}
