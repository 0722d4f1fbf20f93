// The shell lays out the page: header, tabs, the shown view, settings beside it, and the strip below.

import type { VNode } from 'preact'
import { hoodOpen, tab, TABS } from '../../state/preferences.ts'
import { Chat } from '../chat/Chat.tsx'
import { CopyAs } from '../copyas/CopyAs.tsx'
import { Decide } from '../decide/Decide.tsx'
import { Extract } from '../extract/Extract.tsx'
import { Hood } from '../hood/Hood.tsx'
import { Lists } from '../lists/Lists.tsx'

const VIEWS = { chat: Chat, extract: Extract, decide: Decide }

export function Shell(): VNode {
  const View = VIEWS[tab.value]
  return (
    <div class="stack">
      <header>
        <h1>Islet</h1>
      </header>
      <nav class="row">
        {TABS.map((name) => (
          <button key={name} class="button" onClick={() => (tab.value = name)}>
            {name}
          </button>
        ))}
        <button class="button" onClick={() => (hoodOpen.value = !hoodOpen.value)}>
          hood
        </button>
      </nav>
      <main>
        <View />
      </main>
      {hoodOpen.value && (
        <aside aria-label="Under the hood">
          <Hood />
        </aside>
      )}
      <aside aria-label="Settings">
        <CopyAs />
        <Lists />
      </aside>
    </div>
  )
}
