// The empty state says what a model of this size is good at, and has three requests to start with.

/** Each of a kind that a small model does well: rewriting, naming, summing up. */
const STARTERS = {
  'Say it politely': 'Rewrite this politely: Send me the report now.',
  'Find names': 'Give me five names for a small bakery by the sea.',
  'Sum it up':
    'Sum up in one sentence: The meeting moved from Tuesday to Thursday because two people are ill. Ana brings the figures.',
}

export function Empty({ send, isLasting }: { send: (text: string) => void; isLasting: boolean }) {
  return (
    <div class="chat-empty">
      <h3>What a small model does well</h3>
      <p class="dim">
        Rewriting a sentence, finding names, summing up a short text. Do not trust it with facts, sums or long
        reasoning.
      </p>
      <ul class="chat-starters">
        {Object.entries(STARTERS).map(([title, text]) => (
          <li key={title}>
            <button class="chat-starter" onClick={() => send(text)}>
              <strong>{title}</strong>
              <span class="dim">{text}</span>
            </button>
          </li>
        ))}
      </ul>
      {!isLasting && <p class="dim">This browser keeps no history: it goes when the page is closed.</p>}
    </div>
  )
}
