// The header says what this is, which model is served and how the server is, and holds the tabs.

import type { VNode } from 'preact'
import { hoodOpen, tab, TABS, theme, THEMES, type Tab } from '../../state/preferences.ts'
import { health, model, models, useModel } from '../../state/server.ts'
import { standing, words } from '../../state/standing.ts'
import { Icon, Tool } from './Icon.tsx'

export const TITLES: Record<Tab, string> = { chat: 'Chat', extract: 'Extract', decide: 'Decide' }
const HINTS: Record<Tab, string> = {
  chat: 'Talk to the model',
  extract: 'Text to an object',
  decide: 'Answers with their probabilities',
}

type Props = { panelShown: boolean; onPanel: () => void; onHelp: () => void }

export function Header({ panelShown, onPanel, onHelp }: Props): VNode {
  const name = model.value?.id ?? health.value?.model
  return (
    <header class="shell-header">
      <div class="shell-brand">
        <h1>Islet</h1>
        {name && models.value.length < 2 && (
          <span class="shell-model mono dim" title={name}>
            {name}
          </span>
        )}
        {name && models.value.length > 1 && (
          <select
            class="shell-model mono"
            aria-label="Model"
            value={name}
            onChange={(event) => useModel(event.currentTarget.value)}
          >
            {models.value.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        )}
        <span class={`shell-state shell-${standing.value}`}>{words.value.state}</span>
      </div>
      <Tabs />
      <div class="shell-tools">
        <Tool icon="theme" label={`Colours: ${theme.value}`} onClick={nextTheme} />
        <Tool icon="help" label="Help" onClick={onHelp} />
        <Tool
          icon="settings"
          label="Settings"
          id="shell-settings"
          aria-pressed={panelShown}
          onClick={onPanel}
        />
      </div>
    </header>
  )
}

function Tabs(): VNode {
  const move = (event: KeyboardEvent): void => {
    const at = TABS.indexOf(tab.value)
    const to = { ArrowRight: (at + 1) % TABS.length, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    tab.value = TABS.at(to)!
    document.getElementById(`tab-${tab.value}`)?.focus()
  }
  return (
    <div class="shell-tabs" role="tablist" aria-label="What to do with the model" onKeyDown={move}>
      {TABS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          class="shell-tab"
          aria-selected={tab.value === name}
          tabIndex={tab.value === name ? 0 : -1}
          title={HINTS[name]}
          onClick={() => (tab.value = name)}
        >
          {TITLES[name]}
        </button>
      ))}
    </div>
  )
}

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]
}

/** The bar at the bottom that shows or hides what happens in the server. */
export function HoodBar(): VNode {
  return (
    <button
      type="button"
      class="shell-hood-bar"
      aria-expanded={hoodOpen.value}
      aria-controls="hood"
      onClick={() => (hoodOpen.value = !hoodOpen.value)}
    >
      <Icon name="up" />
      <span>Under the hood</span>
      <span class="dim shell-hood-hint">what the model remembers, and how sure it was</span>
    </button>
  )
}
