// A model's text side holds its manifest and tokenizer: small, and read before the first byte of weights.

import type { Tokenizer } from '../tokenizer/tokenizer.ts'
import type { Manifest } from '../weights/manifest.ts'

export type ModelText = { manifest: Manifest; tokenizer: Tokenizer }
