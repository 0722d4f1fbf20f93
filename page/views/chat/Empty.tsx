// The empty state says what a model of this size is good at, and has three requests to start with.

/** Each of a kind that a small model does well: rewriting, naming, summing up. */
const STARTERS: readonly { title: string; text: string }[] = [
  { title: 'Say it politely', text: 'Rewrite this politely: Send me the report now.' },
  { title: 'Find names', text: 'Give me five names for a small bakery by the sea.' },
  {
    title: 'Sum it up',
    text: 'Sum up in one sentence: The meeting moved from Tuesday to Thursday because two people are ill. The room stays the same, and Ana brings the figures.',
  },
]

export function Empty({ send, isLasting }: { send: (text: string) => void; isLasting: boolean }) {
  return (
    <div class="chat-empty">
      <h3>What a small model does well</h3>
      <p class="dim">
        Short, plain work: rewriting a sentence, finding names, sorting, summing up a short text. Do not trust
        it with facts, sums or long reasoning.
      </p>
      <ul class="chat-starters">
        {STARTERS.map(({ title, text }) => (
          <li key={title}>
            <button class="chat-starter" onClick={() => send(text)}>
              <strong>{title}</strong>
              <span class="dim">{text}</span>
            </button>
          </li>
        ))}
      </ul>
      {!isLasting && (
        <p class="dim">This browser keeps no history here: conversations are gone when the page is closed.</p>
      )}
    </div>
  )
}
