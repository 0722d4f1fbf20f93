// SHA-256 of a text comes from the platform's own crypto, which Workers and Node both have.

/** SHA-256 of a text, or of its bytes in UTF-8: 64 hex digits. */
export async function hashText(text: string | Uint8Array): Promise<string> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
