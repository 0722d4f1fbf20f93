// A message is shown with what can be done with it; an answer also with how fast it came and what it reused.

import { effect } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { type Notice } from '../../state/answering.ts'
import { type Chat } from '../../state/chat.ts'
import { siblings, type Answer, type Message } from '../../state/tree.ts'
import { Button, Form, useSeconds } from '../shell/controls.tsx'
import { sendsByEnter, toComposer } from './Composer.tsx'
import { editing } from './editing.ts'
import { markdownInto, type Markdown } from './markdown.ts'
import { copied } from './copy.ts'

type Props = { chat: Chat; message: Message }

export function MessageView(props: Props) {
  const isUser = props.message.role === 'user'
  return (
    <article class={`chat-message ${isUser ? 'chat-user' : ''}`} aria-label={isUser ? 'You' : 'Answer'}>
      {isUser ? <Question {...props} /> : <AnswerView {...props} />}
    </article>
  )
}

function Question(props: Props) {
  const { id, text } = props.message
  if (editing.value === id) return <Editor {...props} />
  return (
    <>
      <div class="chat-bubble">{text}</div>
      <div class="chat-actions">
        <Branches {...props} />
        <Copy text={text} />
        <Button onClick={() => (editing.value = id)}>Edit</Button>
      </div>
    </>
  )
}

function Editor({ chat, message: { id, text } }: Props) {
  const field = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => {
    field.current!.focus()
    field.current!.setSelectionRange(text.length, text.length)
  }, [])
  const close = (): void => {
    editing.value = undefined
    toComposer()
  }
  return (
    <Form
      class="chat-editor"
      send={() => {
        const { value } = field.current!
        close()
        chat.edit(id, value)
      }}
    >
      <textarea
        ref={field}
        class="input"
        aria-label="Your message in other words"
        rows={Math.min(12, text.split('\n').length + 1)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') close()
          sendsByEnter(event)
        }}
        defaultValue={text}
      />
      <div class="chat-actions">
        <Button onClick={close}>Cancel</Button>
        <Button type="submit" kind="primary">
          Send
        </Button>
      </div>
    </Form>
  )
}

function AnswerView({ chat, message }: Props) {
  // The message is the same object when its answer ends or goes on; only the tree around it is told as another one.
  void chat.shown.value
  const { id, text } = message
  const answer = message.answer!
  const { state, thoughts, problem } = answer
  const isRunning = state === 'running'
  // Thoughts and the first text change what is around the text.
  if (isRunning) void chat.beat.value
  const notice = chat.notices.value.get(id)
  return (
    <>
      {thoughts && (
        <details class="chat-thoughts">
          <summary>{isRunning && !text ? 'Thinking…' : 'What it thought'}</summary>
          <div class="chat-plain">{thoughts}</div>
        </details>
      )}
      {isRunning && !text && !notice && <p class="dim">Reading…</p>}
      <Text chat={chat} message={message} state={state} />
      {notice && <NoticeView key={notice} chat={chat} id={id} notice={notice} />}
      {problem && <p class="chat-problem">{problem}</p>}
      {!isRunning && (
        <>
          <Facts {...answer} />
          <div class="chat-actions">
            <Branches chat={chat} message={message} />
            <Copy text={text} />
            <Button title="Another answer, beside this one" onClick={() => chat.regenerate(id)}>
              {state === 'failed' && !text ? 'Try again' : 'Regenerate'}
            </Button>
            {state !== 'done' && text && !thoughts && <Button onClick={() => chat.goOn(id)}>Continue</Button>}
          </div>
        </>
      )}
    </>
  )
}

/** The text of an answer: elements are added behind those that are there as it grows, and none is made twice. */
function Text({ chat, message, state }: Props & { state: Answer['state'] }) {
  const root = useRef<HTMLDivElement>(null)
  /** What is written until the answer ends; one that goes on is rendered anew, once. */
  const open = useRef<{ markdown: Markdown; length: number } | undefined>(undefined)
  useLayoutEffect(() => {
    const grow = (): Markdown => {
      if (!open.current) {
        root.current!.replaceChildren()
        open.current = { markdown: markdownInto(root.current!), length: 0 }
      }
      const { markdown, length } = open.current
      markdown.write(message.text.slice(length))
      open.current.length = message.text.length
      return markdown
    }
    if (state === 'running')
      return effect(() => {
        void chat.beat.value
        grow()
      })
    grow().end()
    open.current = undefined
    return undefined
  }, [state])
  return <div class="chat-text" ref={root} />
}

function NoticeView({ chat, id, notice: { text, until } }: { chat: Chat; id: string; notice: Notice }) {
  const seconds = useSeconds(until ?? 0, chat.now)
  return (
    <p class="chat-notice" role="status">
      {text}{' '}
      {until !== undefined && (
        <>
          <span aria-hidden="true">It is tried again {seconds > 0 ? `in ${seconds} s` : 'now'}.</span>{' '}
          <Button onClick={() => chat.tryNow(id)}>Try now</Button>
        </>
      )}
    </p>
  )
}

/** Small and dim: how the answer came, each with what it means. */
function Facts({ perSecond, firstMs, reused, prompt, truncated, tokens, state, model, sampling }: Answer) {
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
  return <p class="chat-facts">{facts.map(([text, title]) => text && <span title={title}>{text}</span>)}</p>
}

/** `‹ 2/3 ›`: other wordings of a question, other answers to it. */
function Branches({ chat, message }: Props) {
  const { id } = message
  const all = siblings(chat.shown.value.tree, message)
  if (all.length < 2) return null
  const at = all.indexOf(id)
  const step = (label: string, mark: string, to: number) => (
    <Button
      aria-label={label}
      disabled={!all[to]}
      onClick={() => {
        chat.choose(all[to])
        // The message that is shown now has the same buttons.
        queueMicrotask(() =>
          document.querySelector<HTMLElement>(`[data-branch="${all[to]}"] button:enabled`)?.focus(),
        )
      }}
    >
      {mark}
    </Button>
  )
  return (
    <span
      class="chat-branches"
      data-branch={id}
      role="group"
      aria-label={`Branch ${at + 1} of ${all.length}`}
    >
      {step('Branch before', '‹', at - 1)}
      <span class="mono">
        {at + 1}/{all.length}
      </span>
      {step('Next branch', '›', at + 1)}
    </span>
  )
}

function Copy({ text }: { text: string }) {
  return text ? <Button onClick={(event) => void copied(event.currentTarget, text)}>Copy</Button> : null
}
