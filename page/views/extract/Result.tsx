// The result shows an extraction's object as fields or as it was written, with what the schema wrote greyed.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { answer, drawn, phase, rawText, type Answer, type Phase } from '../../state/extracting.ts'
import { textOf, type JsonNode, type Run } from '../../state/partial-json.ts'

export function Result(): VNode {
  const isRaw = useSignal(false)
  const copied = useSignal('')
  void drawn.value // the answer grows in place
  const shown = answer.value
  const isGrowing = phase.value === 'running'
  if (shown === undefined)
    return (
      <p class="panel extract-empty dim">
        The object appears here while it is written. Names of fields are the schema’s: the model is not asked
        for them, and they are greyed.
      </p>
    )
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(rawText())
    copied.value = rawText()
  }
  return (
    <div class="panel stack">
      <div class="row extract-tools">
        <h3>Object</h3>
        <button class="button quiet" aria-pressed={isRaw.value} onClick={() => (isRaw.value = !isRaw.value)}>
          Raw JSON
        </button>
        <button class="button quiet" onClick={() => void copy()}>
          {shown.count > 0 && copied.value === rawText() ? 'Copied' : 'Copy'}
        </button>
      </div>
      <div
        class={`extract-object${isGrowing ? ' is-growing' : ''}`}
        role="region"
        aria-label="The object"
        aria-busy={isGrowing}
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
      <p class="dim bench-small">{statsOf(shown)}</p>
      <p role="status" class="bench-small">
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
  if (node.kind === 'array' && node.items.length > 0)
    return (
      <ol>
        {node.items.map((item) => (
          <li key={item.start}>
            <Value node={item} />
          </li>
        ))}
      </ol>
    )
  if (node.kind === 'array' || (node.isWhole && node.runs.length === 0))
    return <span class="dim">{node.isWhole ? 'empty' : ''}</span>
  return <Runs runs={node.runs} />
}

function statsOf({ count, forced, firstMs, ms = 0, temperature, seed }: Answer): string {
  const rate = firstMs !== undefined && ms > firstMs ? Math.round((1000 * (count - 1)) / (ms - firstMs)) : 0
  return [
    `${count} tokens, ${forced} of them forced by the schema and greyed`,
    firstMs !== undefined && `first after ${Math.round(firstMs)} ms`,
    rate > 0 && `${rate} tokens a second`,
    `temperature ${temperature}`,
    seed !== undefined && `seed ${seed}`,
  ]
    .filter(Boolean)
    .join(' · ')
}

/** What is announced: nothing while it grows. */
function validityOf(phase: Phase, { closedEarly, ignored }: Answer): string {
  if (phase === 'stopped') return 'Stopped. What is there is the beginning of a valid object.'
  if (phase !== 'done') return ''
  const rest = ignored.map((place) => place.slice(place.indexOf('#') + 1)).join(', ')
  return [
    'Valid by construction: nothing but an object of this schema could be written. Whether it is true is another matter.',
    closedEarly && 'It was closed because the limit of tokens was near.',
    rest && `Without effect in the schema: ${rest}.`,
  ]
    .filter(Boolean)
    .join(' ')
}
