// The message that is being edited is known to the composer and to the list.

import { signal } from '@preact/signals'

export const editing = signal<string | undefined>(undefined)
