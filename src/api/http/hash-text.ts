// SHA-256 of a text comes from the platform's own crypto, which Workers and Node both have.

import { sha256Of } from '../../lib/sha256.ts'

/** SHA-256 of a text, or of its bytes in UTF-8: 64 hex digits. */
export function hashText(text: string | Uint8Array): Promise<string> {
  return sha256Of(typeof text === 'string' ? new TextEncoder().encode(text) : text)
}
