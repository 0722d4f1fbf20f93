// The lists show the model that is served and the sessions of this key, which can be deleted.

import van from 'vanjs-core'
import { abilities, askAbilities } from '../../state/abilities.ts'
import { bytesInWords } from '../../state/memory.ts'
import { recommended } from '../../state/sampling.ts'
import { base, health, key, model } from '../../state/server.ts'
import { ago, failure, hasMore, load, remove, said, sessions, type Session } from '../../state/sessions.ts'
import { code, dd, div, dl, dt, h3, li, p, section, ul, when } from '../elements.ts'
import { Failure } from '../extract/Workbench.ts'
import { Button } from '../shell/controls.ts'
import { DeleteAll } from './DeleteAll.ts'

export function Lists(): HTMLElement {
  const heading = h3({ tabIndex: -1 }, 'Sessions')
  van.derive(() => {
    void [base.val, key.val]
    const id = model.val?.id
    void load()
    if (id !== undefined) void askAbilities(id)
  })
  async function removeOne(id: string): Promise<void> {
    if (await remove(id)) heading.focus()
  }
  const Item = ({ id, state, tokens, used_at, cache: { memory, storage } }: Session): HTMLElement => {
    const short = `…${id.slice(-8)}`
    const facts = `${tokens} tokens · ${bytesInWords(memory.bytes)} in memory, ${bytesInWords(storage.bytes)} stored`
    return li(
      { class: 'line bench-small' },
      div(
        code({ title: id }, short),
        ` ${ago(used_at, Date.now() / 1000)}`,
        div({ class: 'dim' }, state === 'done' ? facts : `${facts} · ${state}`),
      ),
      Button('Delete', () => removeOne(id), 'quiet', { 'aria-label': `Delete session ${short}` }),
    )
  }
  return section(
    { class: 'lists stack' },
    Model(),
    heading,
    p({ class: 'dim bench-small' }, 'What the server remembers of chats, so that answers begin fast.'),
    Failure(failure),
    when(
      () => sessions.val?.length === 0,
      () => p({ class: 'dim' }, 'None yet.'),
    ),
    () => ul(sessions.val?.map(Item)),
    div(
      { class: 'row' },
      when(
        () => hasMore.val,
        () => Button('Show more', () => load(true), ''),
      ),
      DeleteAll(),
    ),
    p({ role: 'status', class: 'bench-small' }, said),
  )
}

function Model(): () => HTMLElement {
  return () => {
    const { window, sinks } = health.val ?? {}
    const sampling = Object.entries(recommended()).map(([name, value]) => `${name} ${value}`)
    const facts = {
      Model: model.val?.id,
      'Can do': abilities.val,
      Sees: window ? `the first ${sinks} tokens and the last ${window}` : 'all that it was trained for',
      Recommended: sampling.join(', ') || 'no sampling of its own',
    }
    return dl(
      Object.entries(facts).map(([name, value]) =>
        div(dt({ class: 'dim' }, name), dd(value ?? 'not known yet')),
      ),
    )
  }
}
