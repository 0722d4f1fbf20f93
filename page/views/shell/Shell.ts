// The shell lays out the page: header, banner, the shown view, the panel beside it, and the strip below.

import van from 'vanjs-core'
import { watchMemory } from '../../state/memory-watch.ts'
import { hoodOpen, panelOpen, sections, tab, TABS, theme } from '../../state/preferences.ts'
import { addShortcuts, runShortcut } from '../../state/shortcuts.ts'
import { Chat } from '../chat/Chat.ts'
import { Decide } from '../decide/Decide.ts'
import { div, focusOn, main, section, when } from '../elements.ts'
import { Extract } from '../extract/Extract.ts'
import { Hood } from '../hood/Hood.ts'
import { Banner } from './Banner.ts'
import { Header, HoodBar, nextTheme, TITLES } from './Header.ts'
import { Help } from './Help.ts'
import { Panel } from './Panel.ts'

const VIEWS = { chat: Chat, extract: Extract, decide: Decide }

/** Below it the panel is a sheet. */
const ROOM = '(min-width: 64rem)'

export function Shell(): HTMLElement {
  const query = matchMedia(ROOM)
  const wide = van.state(query.matches)
  const sheetOpen = van.state(false)
  const helpOpen = van.state(false)

  const panel = (): { val: boolean } => (wide.val ? panelOpen : sheetOpen)
  const isShown = (): boolean => panel().val
  const togglePanel = (): void => void (panel().val = !isShown())
  const openHelp = (): void => void (helpOpen.val = true)
  function askForKey(): void {
    sections.val = [...sections.val.filter((name) => name !== 'connection'), 'connection']
    panel().val = true
    // Once it is drawn.
    setTimeout(() => focusOn('#shell-key'))
  }

  // The shell lives as long as the page.
  query.onchange = () => (wide.val = query.matches)
  document.onkeydown = (event) => {
    const isTyping = (event.target as Element).matches('input, textarea, select')
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return
    if (!isTyping && runShortcut(event)) event.preventDefault()
  }
  addShortcuts([
    ...TABS.map((name, at) => ({ key: String(at + 1), does: TITLES[name], run: () => (tab.val = name) })),
    { key: ',', does: 'Settings', run: togglePanel },
    { key: '.', does: 'Under the hood', run: () => (hoodOpen.val = !hoodOpen.val) },
    { key: 't', does: 'Colours', run: nextTheme },
    { key: '?', does: 'This help', run: openHelp },
  ])
  let endWatch: (() => void) | undefined
  van.derive(() => {
    endWatch?.()
    endWatch = hoodOpen.val ? watchMemory() : undefined
  })
  van.derive(() => {
    document.documentElement.dataset['theme'] = theme.val
    document.title = `${TITLES[tab.val]} · Islet`
  })

  return div(
    { class: 'shell' },
    Header(isShown, togglePanel, openHelp),
    Banner(askForKey),
    div(
      { class: 'shell-body' },
      main({ class: 'shell-main' }, () =>
        div({ class: 'shell-view', role: 'tabpanel', 'aria-labelledby': `tab-${tab.val}` }, VIEWS[tab.val]()),
      ),
      () => (isShown() ? Panel(!wide.val, togglePanel) : ''),
    ),
    section(
      { class: 'shell-hood', 'aria-label': 'Under the hood' },
      HoodBar(),
      div(
        { id: 'hood', class: 'shell-hood-body', hidden: () => !hoodOpen.val },
        when(() => hoodOpen.val, Hood),
      ),
    ),
    when(
      () => helpOpen.val,
      () => Help(() => (helpOpen.val = false)),
    ),
  )
}
