// A message is shown with what can be done with it; an answer also with how fast it came and what it reused.

import van, { type ChildDom, type State } from 'vanjs-core'
import { type Notice } from '../../state/answering.ts'
import { type Chat } from '../../state/chat.ts'
import { siblings, type Answer, type Message } from '../../state/tree.ts'
import { article, details, div, focusOn, p, span, summary, textarea, when } from '../elements.ts'
import { Button, Countdown, Form } from '../shell/controls.ts'
import { sendsByEnter, toComposer } from './Composer.ts'
import { CopyButton } from './copy.ts'
import { editing } from './editing.ts'
import { markdownInto, type Markdown } from './markdown.ts'

export function MessageView(chat: Chat, message: Message): HTMLElement {
  if (message.role === 'assistant')
    return article({ class: 'chat-message', 'aria-label': 'Answer' }, AnswerView(chat, message))
  return article(
    { class: 'chat-message chat-user', 'aria-label': 'You' },
    when(
      () => editing.val === message.id,
      () => Editor(chat, message),
      () => Question(chat, message),
    ),
  )
}

function Question(chat: Chat, message: Message): HTMLElement {
  const { id, text } = message
  return div(
    { class: 'parts' },
    div({ class: 'chat-bubble' }, text),
    div(
      { class: 'chat-actions' },
      Branches(chat, message),
      CopyButton(() => text),
      Button('Edit', () => (editing.val = id)),
    ),
  )
}

function Editor(chat: Chat, { id, text }: Message): HTMLElement {
  function close(): void {
    editing.val = undefined
    toComposer()
  }
  function send(): void {
    close()
    chat.edit(id, field.value)
  }
  function onkeydown(event: KeyboardEvent): void {
    if (event.key === 'Escape') close()
    sendsByEnter(event)
  }
  const field = textarea({
    class: 'input',
    'aria-label': 'Your message in other words',
    rows: Math.min(12, text.split('\n').length + 1),
    value: text,
    onkeydown,
  })
  // Once it is drawn.
  queueMicrotask(() => {
    field.focus()
    field.setSelectionRange(text.length, text.length)
  })
  return Form(
    'chat-editor',
    send,
    field,
    div(
      { class: 'chat-actions' },
      Button('Cancel', close),
      Button('Send', undefined, 'primary', { type: 'submit' }),
    ),
  )
}

function AnswerView(chat: Chat, message: Message): ChildDom {
  const { id } = message
  const answer = message.answer!
  /** The message is the same object while it grows and when it ends: the tree around it is told as another one. */
  const told = <T>(read: () => T): State<T> =>
    van.derive(() => {
      void chat.shown.val
      void chat.beat.val
      return read()
    })
  const state = told(() => answer.state)
  const thoughts = told(() => answer.thoughts ?? '')
  const problem = told(() => answer.problem ?? '')
  const hasText = told(() => message.text !== '')
  const notice = van.derive(() => chat.notices.val.get(id))
  const isRunning = (): boolean => state.val === 'running'
  const isWaiting = (): boolean => isRunning() && !hasText.val
  return [
    when(
      () => thoughts.val,
      () =>
        details(
          { class: 'chat-thoughts' },
          summary(() => (isWaiting() ? 'Thinking…' : 'What it thought')),
          div({ class: 'chat-plain' }, thoughts),
        ),
    ),
    when(
      () => isWaiting() && !notice.val,
      () => p({ class: 'dim' }, 'Reading…'),
    ),
    Text(chat, message, isRunning),
    () => (notice.val ? NoticeView(chat, id, notice.val) : ''),
    when(
      () => problem.val,
      () => p({ class: 'chat-problem' }, problem),
    ),
    when(
      () => !isRunning(),
      () => div(Facts(answer), Actions(chat, message)),
    ),
  ]
}

/** What can be done with an answer that has ended. */
function Actions(chat: Chat, message: Message): HTMLElement {
  const { id, text, answer } = message
  const { state, thoughts } = answer!
  return div(
    { class: 'chat-actions' },
    Branches(chat, message),
    text ? CopyButton(() => text) : null,
    Button(state === 'failed' && !text ? 'Try again' : 'Regenerate', () => chat.regenerate(id), 'quiet', {
      title: 'Another answer, beside this one',
    }),
    state !== 'done' && text && !thoughts ? Button('Continue', () => chat.goOn(id)) : null,
  )
}

/** The text of an answer: elements are added behind those that are there as it grows, and none is made twice. */
function Text(chat: Chat, message: Message, isRunning: () => boolean): HTMLElement {
  const root = div({ class: 'chat-text' })
  /** What is written until the answer ends; one that goes on is rendered anew, once. */
  let open: { markdown: Markdown; length: number } | undefined
  van.derive(() => {
    if (!open) {
      root.replaceChildren()
      open = { markdown: markdownInto(root), length: 0 }
    }
    open.markdown.write(message.text.slice(open.length))
    open.length = message.text.length
    if (isRunning()) return void chat.beat.val
    open.markdown.end()
    open = undefined
  })
  return root
}

function NoticeView(chat: Chat, id: string, { text, until }: Notice): HTMLElement {
  const said = (seconds: number): string => `It is tried again ${seconds > 0 ? `in ${seconds} s` : 'now'}.`
  return p(
    { class: 'chat-notice', role: 'status' },
    `${text} `,
    until === undefined
      ? null
      : [Countdown(until, chat.now, said), ' ', Button('Try now', () => chat.tryNow(id))],
  )
}

/** Small and dim: how the answer came, each with what it means. */
function Facts({
  perSecond,
  firstMs,
  reused,
  prompt,
  truncated,
  tokens,
  state,
  model,
  sampling,
}: Answer): HTMLElement {
  const set = Object.entries(sampling).map((field) => field.join(' '))
  const facts = [
    [state === 'length' && 'cut by its limit', 'The longest answer that was allowed'],
    [state === 'stopped' && 'stopped', 'Nothing more was computed'],
    [tokens && `${tokens} ${tokens === 1 ? 'token' : 'tokens'}`, 'Pieces of text'],
    [perSecond && `${perSecond} tokens/s`, 'As they came here'],
    [firstMs !== undefined && `first after ${firstMs} ms`, 'From the request to the first text'],
    [reused !== undefined && `${reused} tokens reused`, `Computed before, of ${prompt} in the prompt`],
    [truncated && `${truncated} tokens left out`, 'The oldest, which no longer fit'],
    [model, `With ${set.join(', ') || "the model's defaults"}`],
  ] as const
  return p(
    { class: 'chat-facts' },
    facts.map(([text, title]) => (text ? span({ title }, text) : null)),
  )
}

/** `‹ 2/3 ›`: other wordings of a question, other answers to it. */
function Branches(chat: Chat, message: Message): () => HTMLElement | '' {
  const { id } = message
  const count = van.derive(() => siblings(chat.shown.val.tree, message).length)
  return () => {
    if (count.val < 2) return ''
    const all = siblings(chat.shown.rawVal.tree, message)
    const at = all.indexOf(id)
    function step(label: string, mark: string, to: number): HTMLElement {
      function choose(): void {
        chat.choose(all[to])
        // The message that is shown now has the same buttons.
        queueMicrotask(() => focusOn(`[data-branch="${all[to]}"] button:enabled`))
      }
      return Button(mark, choose, 'quiet', { 'aria-label': label, disabled: !all[to] })
    }
    const where = `${at + 1}/${all.length}`
    return span(
      {
        class: 'chat-branches',
        'data-branch': id,
        role: 'group',
        'aria-label': `Branch ${where.replace('/', ' of ')}`,
      },
      step('Branch before', '‹', at - 1),
      span({ class: 'mono' }, where),
      step('Next branch', '›', at + 1),
    )
  }
}
