// Names of the benchmark's cases in words.

/** `decode:64@256` in words. */
export function caseText(name: string): string {
  const [kind, sizes] = name.split(':')
  const [count, prompt] = sizes.split('@')
  return kind === 'prefill' ? `prefill, ${count} tokens` : `decode, ${count} tokens after ${prompt}`
}
