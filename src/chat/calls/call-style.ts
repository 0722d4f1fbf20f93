// A call style is how the answers of a chat format write calls: in the family's own way, or in the generic one.

import type { CallStyle } from '../../grammar/call-form.ts'
import type { ChatFormat } from '../../weights/manifest.ts'

export function callStyle(_chat: ChatFormat): CallStyle {
  return 'tool_call'
}
