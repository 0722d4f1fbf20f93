// A checkpoint with several templates has one for chats with functions: it is chosen where any are offered.

import type { TemplateChat } from '../weights/manifest.ts'

export function chosenTemplate({ template, toolTemplate }: TemplateChat, hasTools: boolean): string {
  return hasTools ? (toolTemplate ?? template) : template
}
