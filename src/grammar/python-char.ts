// A Python character is spelled within single quotes in one way, with few escapes.

const SHORT: Readonly<Record<string, string>> = {
  "'": "\\'",
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** The spelling of one character. */
export function pythonChar(char: string): string {
  if (SHORT[char] !== undefined) return SHORT[char]
  return char < ' ' ? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}` : char
}
