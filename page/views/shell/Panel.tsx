// The panel holds settings, connection, code and lists: beside the view where there is room, else as a sheet.

import type { ComponentChildren, VNode } from 'preact'
import { CopyAs } from '../copyas/CopyAs.tsx'
import { Lists } from '../lists/Lists.tsx'
import { Connection } from './Connection.tsx'
import { Dialog } from './Dialog.tsx'
import { Settings } from './Settings.tsx'

type Props = { sheet: boolean; connectionOpen: boolean; onClose: () => void }

export function Panel({ sheet, connectionOpen, onClose }: Props): VNode {
  const sections = (
    <>
      <Section title="Prompt and sampling" open>
        <Settings />
      </Section>
      <Section title="Connection" open={connectionOpen}>
        <Connection />
      </Section>
      <Section title="Copy as code">
        <CopyAs />
      </Section>
      <Section title="Sessions and models">
        <Lists />
      </Section>
    </>
  )
  if (sheet)
    return (
      <Dialog title="Settings" kind="shell-sheet" onClose={onClose}>
        {sections}
      </Dialog>
    )
  return (
    <aside class="shell-panel" aria-label="Settings">
      {sections}
    </aside>
  )
}

function Section({
  title,
  open = false,
  children,
}: {
  title: string
  open?: boolean
  children: ComponentChildren
}): VNode {
  return (
    <details class="shell-section" open={open}>
      <summary>
        <h2>{title}</h2>
      </summary>
      {children}
    </details>
  )
}
