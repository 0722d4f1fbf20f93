// The result shows an extraction's object as fields or as it was written, with what the schema wrote greyed.

import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { answer, extraction, type Answer } from '../../state/extracting.ts'
import { isHolder, readJson, runsOf, textOf, type JsonNode, type Run } from '../../state/partial-json.ts'
import { copied } from '../chat/copy.ts'

export function Result(): VNode {
  const isRaw = useSignal(false)
  const shown = answer.value
  if (shown === undefined)
    return (
      <p class="panel extract-empty dim">Here the object is written; what the schema writes is greyed.</p>
    )
  const { runs } = shown
  const isGrowing = extraction.isRunning.value
  const { root } = readJson(textOf(runs))
  return (
    <div class="panel stack">
      <div class="row extract-tools">
        <h3>Object</h3>
        <button class="button quiet" aria-pressed={isRaw.value} onClick={() => (isRaw.value = !isRaw.value)}>
          Raw JSON
        </button>
        <button class="button quiet" onClick={(event) => void copied(event.currentTarget, textOf(runs))}>
          Copy
        </button>
      </div>
      <div
        class={`extract-object${isGrowing ? ' is-growing' : ''}`}
        role="region"
        aria-label="The object"
        aria-busy={isGrowing}
        tabIndex={0}
      >
        {isRaw.value || !root ? (
          <pre class="mono">
            <Runs runs={runs} />
          </pre>
        ) : (
          <Value node={root} runs={runs} />
        )}
      </div>
      <p class="dim bench-small">{statsOf(shown)}</p>
      <p role="status" class="bench-small">
        {!isGrowing && validityOf(shown)}
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

function Value({ node, runs }: { node: JsonNode; runs: readonly Run[] }): VNode {
  const { members, isWhole } = node
  if (isHolder(node) ? members.length === 0 : isWhole && node.text === '')
    return <span class="dim">{isWhole && 'empty'}</span>
  if (!isHolder(node)) return <Runs runs={runsOf(node, runs)} />
  const values = members.map(({ key, value }, i) => {
    const inner = value && <Value node={value} runs={runs} />
    if (!key) return <li key={i}>{inner}</li>
    return (
      <div key={i}>
        <dt>{key.text}</dt>
        <dd>{inner}</dd>
      </div>
    )
  })
  return node.opens === '{' ? <dl>{values}</dl> : <ol>{values}</ol>
}

function statsOf({ count, forced, firstMs, ms, sent }: Answer): string {
  return [
    `${count} tokens, ${forced} of them forced by the schema`,
    firstMs && `first after ${Math.round(firstMs)} ms`,
    ms > firstMs && count > 1 && `${Math.round((1000 * (count - 1)) / (ms - firstMs))} tokens a second`,
    ...['temperature', 'seed'].map((name) => sent[name] !== undefined && `${name} ${sent[name] as number}`),
  ]
    .filter(Boolean)
    .join(' · ')
}

/** What is announced at its end. */
function validityOf({ state, closedEarly, ignored = [] }: Answer): string {
  if (state === 'stopped') return 'Stopped.'
  if (state === undefined) return ''
  const rest = ignored.map((place) => place.replace(/.*#/, '')).join(', ')
  return `Valid by construction; it may still be untrue.${
    closedEarly ? ' Closed near the limit of tokens.' : ''
  }${rest && ` Without effect: ${rest}.`}`
}
