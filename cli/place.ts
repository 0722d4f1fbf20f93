// The command `islet place` sees to it that a model is packed, and puts it among the assets of a Worker.

import { parseArgs } from 'node:util'
import { IsletError } from '../src/lib/errors.ts'
import { packedModel } from './lib/packed-model.ts'
import { placePacked } from './lib/place.ts'

const usage = `islet place MODEL ASSETS

Puts MODEL into the folder ASSETS, alone, as ASSETS/models/ID, beside the page and the reference of the API; prints ID.
MODEL is a name that islet pull knows, a packed folder, a .gguf file or a Hugging Face folder: what is not packed is first
fetched or packed into models/.`

export const command = {
  name: 'place',
  summary: 'pack a model where needed, and put it among the assets of a Worker',
  usage,
  async run(argv: string[]): Promise<void> {
    const { positionals } = parseArgs({ args: argv, allowPositionals: true })
    const [model, assets] = positionals
    if (positionals.length !== 2)
      throw new IsletError('invalid_request', `give MODEL and ASSETS\nusage: ${usage}`)
    const id = await placePacked(await packedModel(model), assets)
    process.stdout.write(`${id}\n`)
  },
}
