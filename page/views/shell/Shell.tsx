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
import { Header, HoodBar, nextTheme } from './Header.tsx'
import { Help } from './Help.tsx'
import { Panel } from './Panel.tsx'

const VIEWS = { chat: Chat, extract: Extract, decide: Decide }

/** Below it the panel is a sheet. */
const ROOM = '(min-width: 64rem)'

export function Shell(): VNode {
  const wide = useSignal(matchMedia(ROOM).matches)
  const sheetOpen = useSignal(false)
  const helpOpen = useSignal(false)

  const setPanel = (open: boolean): void => {
    if (wide.peek()) panelOpen.value = open
    else sheetOpen.value = open
  }
  const shown = wide.value ? panelOpen.value : sheetOpen.value
  const togglePanel = (): void => setPanel(!(wide.peek() ? panelOpen : sheetOpen).peek())
  const askForKey = (): void => {
    sections.value = [...sections.value.filter((name) => name !== 'connection'), 'connection']
    setPanel(true)
    // Once it is drawn.
    setTimeout(() => document.getElementById('shell-key')?.focus())
  }

  useSignalEffect(() => {
    if (theme.value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme.value
  })
  useSignalEffect(() => {
    document.title = `${tab.value.replace(/^./, (letter) => letter.toUpperCase())} · Islet`
  })
  useEffect(() => {
    const query = matchMedia(ROOM)
    const listen = (): void => void (wide.value = query.matches)
    query.addEventListener('change', listen)
    return () => query.removeEventListener('change', listen)
  }, [])
  useEffect(
    () =>
      addShortcuts([
        ...TABS.map((name, at) => ({
          key: String(at + 1),
          does: `To ${name}`,
          run: () => void (tab.value = name),
        })),
        { key: ',', does: 'Settings', run: togglePanel },
        { key: '.', does: 'Under the hood', run: () => void (hoodOpen.value = !hoodOpen.value) },
        { key: 't', does: 'Colours: as the system, light, dark', run: nextTheme },
        { key: '?', does: 'This help', run: () => void (helpOpen.value = true) },
      ]),
    [],
  )
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement
      const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
      const modal = document.querySelector('dialog[open]') !== null
      const { key, ctrlKey, metaKey, altKey } = event
      if (!event.defaultPrevented && !modal && runShortcut({ key, ctrlKey, metaKey, altKey, typing }))
        event.preventDefault()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])

  const View = VIEWS[tab.value]
  return (
    <div class="shell">
      <Header panelShown={shown} onPanel={togglePanel} onHelp={() => (helpOpen.value = true)} />
      <Banner onKey={askForKey} />
      <div class="shell-body">
        <main class="shell-main">
          <div id="view" class="shell-view" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
            <View />
          </div>
        </main>
        {shown && <Panel sheet={!wide.value} onClose={() => setPanel(false)} />}
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
