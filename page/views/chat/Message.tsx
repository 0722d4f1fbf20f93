// A message is shown with what can be done with it; an answer also with how fast it came and what it reused.

import { effect, useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { type Notice } from '../../state/answering.ts'
import { type Chat } from '../../state/chat.ts'
import { siblings, type Answer, type Message } from '../../state/tree.ts'
import { sends } from './Composer.tsx'
import { editing } from './editing.ts'
import { markdownInto, type Markdown } from './markdown.ts'
import { copied } from './copy.ts'

type Props = { chat: Chat; message: Message }

export function MessageView({ chat, message }: Props) {
  const isUser = message.role === 'user'
  return (
    <article
      class={isUser ? 'chat-message chat-user' : 'chat-message'}
      aria-label={isUser ? 'You' : 'Answer'}
    >
      {isUser ? <Question chat={chat} message={message} /> : <AnswerView chat={chat} message={message} />}
    </article>
  )
}

function Question({ chat, message }: Props) {
  if (editing.value === message.id) return <Editor chat={chat} message={message} />
  return (
    <>
      <div class="chat-bubble">{message.text}</div>
      <div class="chat-actions">
        <Branches chat={chat} message={message} />
        <Copy text={message.text} />
        <button class="button quiet" onClick={() => (editing.value = message.id)}>
          Edit
        </button>
      </div>
    </>
  )
}

function Editor({ chat, message }: Props) {
  const field = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => {
    field.current!.focus()
    field.current!.setSelectionRange(message.text.length, message.text.length)
  }, [])
  const close = (): void => {
    editing.value = undefined
    document.getElementById('chat-text')?.focus()
  }
  const submit = (): void => {
    const { value } = field.current!
    close()
    chat.edit(message.id, value)
  }
  return (
    <form
      class="chat-editor"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <textarea
        ref={field}
        class="input"
        aria-label="Your message in other words"
        rows={Math.min(12, message.text.split('\n').length + 1)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') close()
          if (!sends(event)) return
          event.preventDefault()
          submit()
        }}
        defaultValue={message.text}
      />
      <div class="chat-actions">
        <button type="button" class="button quiet" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="button primary">
          Send
        </button>
      </div>
    </form>
  )
}

function AnswerView({ chat, message }: Props) {
  // The message is the same object when its answer ends or goes on; only the tree around it is told as another one.
  void chat.shown.value
  const answer = message.answer!
  const isRunning = answer.state === 'running'
  // Thoughts and the first text change what is around the text.
  if (isRunning) void chat.beat.value
  const notice = chat.notices.value.get(message.id)
  const canGoOn =
    ['length', 'stopped', 'failed'].includes(answer.state) && message.text !== '' && !answer.thoughts
  return (
    <>
      {answer.thoughts && (
        <details class="chat-thoughts">
          <summary>{isRunning && message.text === '' ? 'Thinking…' : 'What it thought'}</summary>
          <div class="chat-plain">{answer.thoughts}</div>
        </details>
      )}
      {isRunning && message.text === '' && !notice && <p class="dim chat-wait">Reading…</p>}
      <Text chat={chat} message={message} state={answer.state} />
      {notice && <NoticeView chat={chat} id={message.id} notice={notice} />}
      {answer.problem && <p class="chat-problem">{answer.problem}</p>}
      {!isRunning && (
        <>
          <Facts answer={answer} />
          <div class="chat-actions">
            <Branches chat={chat} message={message} />
            <Copy text={message.text} />
            <button
              class="button quiet"
              title="Another answer, as a branch beside this one"
              onClick={() => chat.regenerate(message.id)}
            >
              {answer.state === 'failed' && message.text === '' ? 'Try again' : 'Regenerate'}
            </button>
            {canGoOn && (
              <button class="button quiet" onClick={() => chat.goOn(message.id)}>
                Continue
              </button>
            )}
          </div>
        </>
      )}
    </>
  )
}

/** The text of an answer: elements are added behind those that are there as it grows, and none is made twice. */
function Text({ chat, message, state }: Props & { state: Answer['state'] }) {
  const root = useRef<HTMLDivElement>(null)
  const shown = useRef<{ markdown: Markdown; length: number; isEnded: boolean } | undefined>(undefined)
  useLayoutEffect(() => {
    const isRunning = state === 'running'
    const sync = (): void => {
      const { text } = message
      if (!shown.current || shown.current.isEnded) {
        // What has ended cannot grow: an answer that goes on is rendered anew, once.
        if (shown.current?.length === text.length && !isRunning) return
        root.current!.replaceChildren()
        shown.current = { markdown: markdownInto(root.current!), length: 0, isEnded: false }
      }
      const now = shown.current
      if (text.length > now.length) now.markdown.write(text.slice(now.length))
      now.length = text.length
    }
    if (isRunning)
      return effect(() => {
        void chat.beat.value
        sync()
      })
    sync()
    if (!shown.current!.isEnded) shown.current!.markdown.end()
    shown.current!.isEnded = true
    return undefined
  }, [message, state])
  return <div class="chat-text" ref={root} />
}

function NoticeView({ chat, id, notice }: { chat: Chat; id: string; notice: Notice }) {
  const now = useSignal(chat.now())
  useEffect(() => {
    now.value = chat.now()
    const timer = setInterval(() => (now.value = chat.now()), 500)
    return () => clearInterval(timer)
  }, [notice])
  const seconds = notice.until === undefined ? 0 : Math.max(0, Math.ceil((notice.until - now.value) / 1000))
  return (
    <p class="chat-notice" role="status">
      <span>{notice.text}</span>
      {notice.until !== undefined && (
        <>
          {' '}
          <span aria-hidden="true">
            {seconds > 0 ? `It is tried again in ${seconds} s.` : 'It is tried again now.'}
          </span>{' '}
          <button class="button quiet" onClick={() => chat.tryNow(id)}>
            Try now
          </button>
        </>
      )}
    </p>
  )
}

/** Small and dim: how the answer came, each with what it means. */
function Facts({ answer }: { answer: Answer }) {
  const { perSecond, firstMs, reused, prompt, truncated, tokens, state, model, sampling } = answer
  const set = Object.entries(sampling).map((field) => field.join(' '))
  const facts = [
    [state === 'length' && 'cut by its limit', 'It reached the longest length that was allowed'],
    [state === 'stopped' && 'stopped', 'Nothing more was computed'],
    [tokens && (tokens === 1 ? '1 token' : `${tokens} tokens`), 'Pieces of text that the model wrote'],
    [perSecond && `${perSecond} tokens/s`, 'As they came here'],
    [firstMs !== undefined && `first after ${firstMs} ms`, 'From the request to the first text'],
    [
      reused !== undefined && `${reused} tokens reused`,
      `Computed before, of ${prompt} in front of the answer`,
    ],
    [truncated && `${truncated} tokens left out`, 'The oldest of the chat no longer fit'],
    [model, `Written with ${set.join(', ') || 'the defaults of the model'}`],
  ]
  return (
    <p class="chat-facts">
      {facts.map(([text, hint]) => text && <span title={hint as string}>{text}</span>)}
    </p>
  )
}

/** `‹ 2/3 ›`: other wordings of a question, other answers to it. */
function Branches({ chat, message }: Props) {
  const all = siblings(chat.shown.value.tree, message)
  if (all.length < 2) return null
  const at = all.indexOf(message.id)
  const go = (to: number): void => {
    chat.choose(all[to])
    // The message that is shown now has the same buttons.
    queueMicrotask(() =>
      document.querySelector<HTMLElement>(`[data-branch="${all[to]}"] button:enabled`)?.focus(),
    )
  }
  return (
    <span
      class="chat-branches"
      data-branch={message.id}
      role="group"
      aria-label={`Branch ${at + 1} of ${all.length}`}
    >
      <button class="button quiet" aria-label="Branch before" disabled={at === 0} onClick={() => go(at - 1)}>
        ‹
      </button>
      <span class="mono">
        {at + 1}/{all.length}
      </span>
      <button
        class="button quiet"
        aria-label="Next branch"
        disabled={at === all.length - 1}
        onClick={() => go(at + 1)}
      >
        ›
      </button>
    </span>
  )
}

function Copy({ text }: { text: string }) {
  if (text === '') return null
  return (
    <button class="button quiet" onClick={(event) => void copied(event.currentTarget, text)}>
      Copy
    </button>
  )
}
