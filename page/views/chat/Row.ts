// A row of the history opens its conversation, names it or deletes it.

import { type State } from 'vanjs-core'
import { type Chat } from '../../state/chat.ts'
import { type Found } from '../../state/history.ts'
import { button, div, focusOn, input, li, span, when } from '../elements.ts'
import { Button, Form } from '../shell/controls.ts'

/** Pixels of a row, which the style sheet says too. */
export const ROW = 44

type RowProps = {
  chat: Chat
  item: State<Found & { at: number }>
  /** The number of the list's last row. */
  last: State<number>
  /** The row that the focus came to, and the one of those that there are. */
  active: State<number>
  current: State<number>
  renamed: State<string | undefined>
  close: () => void
  told: State<string>
}

export function Row({ chat, item, last, active, current, renamed, close, told }: RowProps): HTMLElement {
  const { id } = item.rawVal.conversation
  const title = (): string => item.val.conversation.title || 'New chat'
  const tabIndex = (): number => (item.val.at === current.val ? 0 : -1)
  const isShown = (): boolean => chat.shown.val.tree.conversation.id === id
  const rename = (): void => void (renamed.val = id)

  function remove(): void {
    if (!confirm(`Delete “${title()}” for good?`)) return
    told.val = `Deleted: ${title()}`
    void chat.remove(id)
    focusOn('[type=search]')
  }

  function onkeydown(event: KeyboardEvent): void {
    if (renamed.val === id) {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      renamed.val = undefined
    } else if (event.key === 'F2') rename()
    else if (event.key === 'Delete') remove()
  }

  function open(): void {
    void chat.open(id)
    close()
  }

  const tool = (what: string, key: string, mark: string, run: () => void): HTMLElement =>
    Button(mark, run, 'quiet chat-row-button', {
      tabIndex,
      'aria-label': () => `${what} ${title()}`,
      title: `${what} (${key})`,
    })

  function Title(): HTMLElement {
    const field = input({
      class: 'input',
      'aria-label': 'Title',
      value: item.rawVal.conversation.title,
      maxLength: 200,
    })
    // Once it is drawn.
    queueMicrotask(() => field.select())
    function keep(): void {
      renamed.val = undefined
      void chat.rename(id, field.value)
    }
    return Form('chat-rename', keep, field, Button('Save', undefined, 'quiet', { type: 'submit' }))
  }

  const Named = (): HTMLElement =>
    div(
      { class: 'parts' },
      button(
        {
          class: 'chat-open-row',
          tabIndex,
          'aria-current': isShown,
          title: () => item.val.excerpt ?? title(),
          onclick: open,
        },
        span(title),
        when(
          () => item.val.excerpt,
          () => span({ class: 'dim' }, () => item.val.excerpt ?? ''),
        ),
      ),
      tool('Rename', 'F2', '✎', rename),
      tool('Delete', 'Del', '✕', remove),
    )

  return li(
    {
      class: () => `chat-row ${isShown() ? 'chat-current' : ''}`,
      style: () => `top:${item.val.at * ROW}px`,
      'data-row': () => item.val.at,
      'aria-posinset': () => item.val.at + 1,
      'aria-setsize': () => last.val + 1,
      onfocusin: () => (active.val = item.val.at),
      onkeydown,
    },
    when(() => renamed.val === id, Title, Named),
  )
}
