// Tables for the generated parts of the documents.

/** A Markdown table: the first columns (one unless said) to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = header.map((_, column) => (column < left ? '---' : '---:'))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}
