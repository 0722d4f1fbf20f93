// The chat view shows one conversation with its composer, and the list of all beside it.

import van, { type ChildDom } from 'vanjs-core'
import { wait } from '../../client/server.ts'
import { type Clock } from '../../state/answering.ts'
import { chatOf, type Chat as State } from '../../state/chat.ts'
import { openHistory } from '../../state/history.ts'
import { tab } from '../../state/preferences.ts'
import { addShortcuts } from '../../state/shortcuts.ts'
import { div, focusOn, h2, header, p, section, when } from '../elements.ts'
import { Button } from '../shell/controls.ts'
import { Composer, toComposer } from './Composer.ts'
import { Empty } from './Empty.ts'
import { History } from './History.ts'
import { Messages } from './Messages.ts'

const clock: Clock = {
  now: () => performance.now(),
  frame: requestAnimationFrame.bind(globalThis),
  wait,
}

/** Lives as long as the page, so that answers go on while another tab is shown. */
const state = van.state<State | undefined>()
let opening: Promise<State> | undefined
/** Whether the list is shown, where there is no room for it beside the conversation. */
const isListOpen = van.state(false)

function openOnce(): Promise<State> {
  return (opening ??= open())
}

/** Deletes all conversations of this browser, also before the chat was ever shown. */
export async function forgetChats(): Promise<void> {
  await (await openOnce()).removeAll()
}

async function open(): Promise<State> {
  // Each tab has a conversation of its own, which outlives a reload.
  const chat = chatOf(await openHistory(), clock, (id) => history.replaceState(id, ''))
  state.val = chat
  addShortcuts([
    { key: 'n', does: 'New chat', run: () => begin(chat), on: 'chat' },
    { key: '/', does: 'Search chats', run: openList, on: 'chat' },
  ])
  van.derive(() => {
    if (tab.val === 'chat') chat.preview()
  })
  await chat.load(history.state)
  return chat
}

function openList(): void {
  isListOpen.val = true
  // Once it is drawn.
  setTimeout(() => focusOn('[type=search]'))
}

function closeList(): void {
  if (!isListOpen.val) return
  isListOpen.val = false
  focusOn('.chat-toggle')
}

function begin(chat: State): void {
  chat.begin()
  closeList()
  toComposer()
}

export function Chat(): () => HTMLElement {
  void openOnce()
  return () => div({ class: 'chat' }, state.val && Conversation(state.val))
}

function Conversation(chat: State): ChildDom {
  const { shown, trouble } = chat
  const id = van.derive(() => shown.val.tree.conversation.id)
  const isEmpty = van.derive(() => chat.messages().length === 0)
  return [
    History(chat, isListOpen, closeList, () => begin(chat)),
    section(
      { class: 'chat-main', 'aria-label': 'Conversation' },
      header(
        { class: 'chat-head' },
        Button('Chats', () => (isListOpen.val ? closeList() : openList()), 'quiet chat-toggle', {
          'aria-expanded': isListOpen,
          'aria-controls': 'chat-history',
        }),
        h2({ class: 'chat-title' }, () => shown.val.tree.conversation.title || 'New chat'),
      ),
      when(
        () => trouble.val,
        () =>
          p(
            { class: 'chat-problem', role: 'alert' },
            () => `${trouble.val} `,
            Button('Dismiss', () => (trouble.val = undefined)),
          ),
      ),
      () => (void id.val, isEmpty.val ? Empty(chat.send, chat.history.lasting) : Messages(chat)),
      Composer(chat, id),
      div({ role: 'status', class: 'unseen' }, chat.said),
    ),
  ]
}
