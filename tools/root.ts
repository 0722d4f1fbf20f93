// ROOT is the repository's root, with a slash at the end.

import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
