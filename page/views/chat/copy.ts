// A button that copies says for a moment whether it could.

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
