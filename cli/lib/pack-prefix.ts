// This Node computes the prefix of a model that was just packed into a folder.

import { makePrefix } from '../../src/packing/template-prefix.ts'
import type { PrefixMaker } from '../../src/packing/pack-folder.ts'
import { fileSource } from './file-source.ts'
import { nodeKernels } from './kernels.ts'

export const packPrefix: PrefixMaker = (manifest, folder, tokenizer) =>
  makePrefix(manifest, fileSource(folder), tokenizer, nodeKernels)
