// The header says what this is, which model is served and how the server is, and holds the tabs.

import van from 'vanjs-core'
import { hoodOpen, tab, TABS, theme, THEMES, type Tab } from '../../state/preferences.ts'
import { health, model, models, useModel } from '../../state/server.ts'
import { standing, words } from '../../state/standing.ts'
import { button, div, focusOn, h1, header, option, select, span, stepOf, type On } from '../elements.ts'
import { Icon, Tool } from './Icon.ts'

export const TITLES: Record<Tab, string> = { chat: 'Chat', extract: 'Extract', decide: 'Decide' }
const HINTS: Record<Tab, string> = {
  chat: 'Talk to the model',
  extract: 'Text to an object',
  decide: 'Answers with their probabilities',
}

export function Header(isPanelShown: () => boolean, onPanel: () => void, onHelp: () => void): HTMLElement {
  return header(
    { class: 'shell-header' },
    div(
      { class: 'shell-brand' },
      h1('Islet'),
      Model(),
      span({ class: () => `shell-state shell-${standing()}` }, () => words().state),
    ),
    Tabs(),
    div(
      { class: 'shell-tools' },
      Tool('theme', () => `Colours: ${theme.val}`, nextTheme),
      Tool('help', 'Help', onHelp),
      Tool('settings', 'Settings', onPanel, { id: 'shell-settings', 'aria-pressed': isPanelShown }),
    ),
  )
}

/** The name of the model, or the choice of one. */
function Model(): () => HTMLElement {
  const name = van.derive(() => model.val?.id ?? health.val?.model ?? '')
  const choose = ({ currentTarget }: On): void => useModel(currentTarget.value)
  return () =>
    models.val.length > 1
      ? select(
          { class: 'shell-model mono', 'aria-label': 'Model', onchange: choose },
          models.val.map(({ id }) => option({ selected: id === name.val }, id)),
        )
      : span({ class: 'shell-model mono dim', title: name.val }, name.val)
}

function Tabs(): HTMLElement {
  function move(event: KeyboardEvent): void {
    const at = TABS.indexOf(tab.val)
    const to = stepOf(event, { ArrowRight: (at + 1) % TABS.length, ArrowLeft: at - 1, Home: 0, End: -1 })
    if (to === undefined) return
    tab.val = TABS.at(to)!
    focusOn(`#tab-${tab.val}`)
  }
  return div(
    { class: 'shell-tabs', role: 'tablist', 'aria-label': 'What to do with the model', onkeydown: move },
    TABS.map((name) => {
      const isShown = (): boolean => tab.val === name
      return button(
        {
          role: 'tab',
          id: `tab-${name}`,
          class: 'shell-tab',
          'aria-selected': isShown,
          tabIndex: () => (isShown() ? 0 : -1),
          title: HINTS[name],
          onclick: () => (tab.val = name),
        },
        TITLES[name],
      )
    }),
  )
}

export function nextTheme(): void {
  theme.val = THEMES[(THEMES.indexOf(theme.val) + 1) % THEMES.length]
}

/** The bar at the bottom that shows or hides what happens in the server. */
export function HoodBar(): HTMLElement {
  return button(
    {
      class: 'shell-hood-bar',
      'aria-expanded': hoodOpen,
      'aria-controls': 'hood',
      onclick: () => (hoodOpen.val = !hoodOpen.val),
    },
    Icon('up'),
    span('Under the hood'),
    span({ class: 'dim shell-hood-hint' }, 'what the model remembers, and how sure it was'),
  )
}
