// The shell lays out the page: header, banner, the shown view, the panel beside it, and the strip below.

import { useSignal, useSignalEffect } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { hoodOpen, panelOpen, sections, tab, TABS, theme } from '../../state/preferences.ts'
import { addShortcuts, runShortcut } from '../../state/shortcuts.ts'
import { Chat } from '../chat/Chat.tsx'
import { Decide } from '../decide/Decide.tsx'
import { Extract } from '../extract/Extract.tsx'
import { Hood } from '../hood/Hood.tsx'
import { Banner } from './Banner.tsx'
import { Header, HoodBar, nextTheme, TITLES } from './Header.tsx'
import { Help } from './Help.tsx'
import { Panel } from './Panel.tsx'

const VIEWS = { chat: Chat, extract: Extract, decide: Decide }

/** Below it the panel is a sheet. */
const ROOM = '(min-width: 64rem)'

export function Shell(): VNode {
  const wide = useSignal(matchMedia(ROOM).matches)
  const sheetOpen = useSignal(false)
  const helpOpen = useSignal(false)

  const panel = (): { value: boolean } => (wide.peek() ? panelOpen : sheetOpen)
  const shown = wide.value ? panelOpen.value : sheetOpen.value
  const togglePanel = (): void => void (panel().value = !panel().value)
  const askForKey = (): void => {
    sections.value = [...sections.value.filter((name) => name !== 'connection'), 'connection']
    panel().value = true
    // Once it is drawn.
    setTimeout(() => document.getElementById('shell-key')?.focus())
  }

  useSignalEffect(() => {
    document.documentElement.dataset['theme'] = theme.value
    document.title = `${TITLES[tab.value]} · Islet`
  })
  useEffect(() => {
    // The shell lives as long as the page.
    const query = matchMedia(ROOM)
    query.onchange = () => (wide.value = query.matches)
    document.onkeydown = (event) => {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as Element).tagName)
      const { key, ctrlKey, metaKey, altKey } = event
      if (event.defaultPrevented || document.querySelector('dialog')) return
      if (runShortcut({ key, ctrlKey, metaKey, altKey, typing })) event.preventDefault()
    }
    addShortcuts([
      ...TABS.map((name, at) => ({
        key: String(at + 1),
        does: TITLES[name],
        run: () => (tab.value = name),
      })),
      { key: ',', does: 'Settings', run: togglePanel },
      { key: '.', does: 'Under the hood', run: () => (hoodOpen.value = !hoodOpen.value) },
      { key: 't', does: 'Colours', run: nextTheme },
      { key: '?', does: 'This help', run: () => (helpOpen.value = true) },
    ])
  }, [])

  const View = VIEWS[tab.value]
  return (
    <div class="shell">
      <Header panelShown={shown} onPanel={togglePanel} onHelp={() => (helpOpen.value = true)} />
      <Banner onKey={askForKey} />
      <div class="shell-body">
        <main class="shell-main">
          <div class="shell-view" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
            <View />
          </div>
        </main>
        {shown && <Panel sheet={!wide.value} onClose={togglePanel} />}
      </div>
      <section class="shell-hood" aria-label="Under the hood">
        <HoodBar />
        <div id="hood" class="shell-hood-body" hidden={!hoodOpen.value}>
          {hoodOpen.value && <Hood />}
        </div>
      </section>
      {helpOpen.value && <Help onClose={() => (helpOpen.value = false)} />}
    </div>
  )
}
