// Cases of the benchmark have these names in the documents' words.

/** `decode:64@256` in words. */
export function caseText(name: string): string {
  const [kind, sizes] = name.split(':')
  const [count, prompt] = sizes.split('@')
  return kind === 'prefill' ? `prefill, ${count} tokens` : `decode, ${count} tokens after ${prompt}`
}
