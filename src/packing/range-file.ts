// A range file reads parts of a local file: model files are never held whole.

import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { IsletError } from '../lib/errors.ts'
import { factsOfFile } from './small-file.ts'

export interface RangeFile {
  /** Without its folders, for messages. */
  readonly name: string
  readonly size: number
  /** Exactly `length` bytes from `offset`; `invalid_file` if the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** Opens a regular file; `model_not_found` or `invalid_file` name the path otherwise. */
export async function openRangeFile(path: string): Promise<RangeFile> {
  await factsOfFile(path, path)
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new IsletError('model_not_found', `${path} cannot be opened: check the path`, { cause })
  })
  const facts = await handle.stat()
  if (!facts.isFile()) {
    await handle.close()
    throw new IsletError('model_not_found', `${path} is not a file`)
  }
  return {
    name: basename(path),
    size: facts.size,
    async read(offset, length) {
      const bytes = new Uint8Array(length)
      let done = 0
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done)
        if (bytesRead === 0) {
          throw new IsletError(
            'invalid_file',
            `${path} ends at byte ${offset + done}, ${offset + length} were expected`,
          )
        }
        done += bytesRead
      }
      return bytes
    },
    close: () => handle.close(),
  }
}
