// This byte source reads a packed folder on disk.

import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { IsletError } from '../../src/lib/errors.ts'
import { factsOfFile } from '../../src/packing/small-file.ts'
import type { ByteSource } from '../../src/weights/source.ts'

/** Bytes of one read where the reader brings no buffer of its own. */
const READ_BYTES = 256 * 1024

/**
 * Streams files of `folder` as byte streams: a reader's own buffer is filled in place. `model_not_found`
 * names a missing one.
 */
export function fileSource(folder: string): ByteSource {
  return {
    async open(file) {
      const path = join(folder, basename(file))
      await factsOfFile(path, path)
      const handle = await open(path, 'r').catch((cause: unknown) => {
        throw new IsletError('model_not_found', `${path} is missing: pack or pull the model again`, { cause })
      })
      return new ReadableStream({
        type: 'bytes',
        autoAllocateChunkSize: READ_BYTES,
        async pull(controller: ReadableByteStreamController) {
          const request = controller.byobRequest
          if (request?.view == null) throw new IsletError('internal_error', 'a byte stream without a buffer')
          const { buffer, byteOffset, byteLength } = request.view
          const { bytesRead } = await handle.read(
            new Uint8Array(buffer, byteOffset, byteLength),
            0,
            byteLength,
            null,
          )
          if (bytesRead === 0) {
            await handle.close()
            controller.close()
          }
          request.respond(bytesRead)
        },
        cancel: () => handle.close(),
      })
    },
  }
}
