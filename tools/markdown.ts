// This module writes the Markdown tables of generated documents and of terminals.

/** A Markdown table: the first columns (one unless said) to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = header.map((_, column) => (column < left ? '---' : '---:'))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}
