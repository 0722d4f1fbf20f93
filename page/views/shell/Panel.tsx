// The panel holds settings, connection, code and lists: beside the view where there is room, else as a sheet.

import type { ComponentChildren, VNode } from 'preact'
import { sections } from '../../state/preferences.ts'
import { CopyAs } from '../copyas/CopyAs.tsx'
import { Lists } from '../lists/Lists.tsx'
import { Connection } from './Connection.tsx'
import { Dialog } from './Dialog.tsx'
import { Settings } from './Settings.tsx'

type Props = { sheet: boolean; onClose: () => void }

export function Panel({ sheet, onClose }: Props): VNode {
  const content = (
    <>
      <Section name="prompt" title="Prompt and sampling">
        <Settings />
      </Section>
      <Section name="connection" title="Connection">
        <Connection />
      </Section>
      <Section name="code" title="Copy as code">
        <CopyAs />
      </Section>
      <Section name="lists" title="Sessions and models">
        <Lists />
      </Section>
    </>
  )
  if (sheet)
    return (
      <Dialog title="Settings" kind="shell-sheet" onClose={onClose}>
        {content}
      </Dialog>
    )
  return (
    <aside class="shell-panel" aria-label="Settings">
      {content}
    </aside>
  )
}

type SectionProps = { name: string; title: string; children: ComponentChildren }

/** What is closed is not drawn, so that its lists are asked for only when somebody looks. */
function Section({ name, title, children }: SectionProps): VNode {
  const open = sections.value.includes(name)
  const toggle = (event: Event): void => {
    event.preventDefault() // a signal says what is open
    sections.value = open ? sections.value.filter((one) => one !== name) : [...sections.value, name]
  }
  return (
    <details class="shell-section" open={open}>
      <summary onClick={toggle}>
        <h2>{title}</h2>
      </summary>
      {open && children}
    </details>
  )
}
