// A button that copies says for a moment whether it could.

import { Button } from '../shell/controls.ts'

/** Copies a text, and says so on the button for a moment. */
export async function copied(button: HTMLButtonElement, text: string): Promise<void> {
  const before = button.textContent
  const isCopied = await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  )
  button.textContent = isCopied ? 'Copied' : 'Not allowed'
  setTimeout(() => (button.textContent = before), 1500)
}

export function CopyButton(text: () => string, kind = 'quiet', says = 'Copy'): HTMLButtonElement {
  return Button(says, ({ currentTarget }) => copied(currentTarget, text()), kind)
}
