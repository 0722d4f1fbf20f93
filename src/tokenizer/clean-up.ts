// This filter does what transformers calls clean_up_tokenization_spaces, on text as it streams. Each
// replacement works on what the ones before it let through; at most the beginning of a pattern is held back.

/** Text in pieces to text in pieces; all that comes out together is the result. */
export type TextFilter = { push(text: string): string; flush(): string }

const REPLACEMENTS = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
] as const

/** A filter of its own for one stream. */
export function cleanUp(): TextFilter {
  const filters = REPLACEMENTS.map(([from, to]) => replaceAll(from, to))
  return {
    push: (text) => filters.reduce((passed, filter) => filter.push(passed), text),
    flush: () => filters.reduce((passed, filter) => filter.push(passed) + filter.flush(), ''),
  }
}

/** String.replaceAll over pieces. */
function replaceAll(from: string, to: string): TextFilter {
  let held = '' // a proper prefix of `from`
  return {
    push(text) {
      const whole = held + text
      let done = 0 // end of the last match
      for (let at = whole.indexOf(from); at >= 0; at = whole.indexOf(from, done)) done = at + from.length
      let keep = Math.min(from.length - 1, whole.length - done)
      while (keep > 0 && !from.startsWith(whole.slice(whole.length - keep))) keep--
      held = keep > 0 ? whole.slice(-keep) : ''
      return whole.slice(0, whole.length - keep).replaceAll(from, to)
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}
