// The message that is being edited is known to the composer and to the list.

import van from 'vanjs-core'

export const editing = van.state<string | undefined>()
