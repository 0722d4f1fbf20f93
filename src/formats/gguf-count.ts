// This count of a GGUF header comes before its parser, which makes an object of each value and tensor.

import { IsletError } from '../lib/errors.ts'
import { MAX_HEADER_VALUES, MAX_TENSORS } from './limits.ts'

/** Reads bytes of the file; fewer at its end. */
export type ReadPart = (offset: number, length: number) => Promise<Uint8Array>

const WINDOW = 1 << 20

/** Bytes of a value by its type number; strings (8) and lists (9) say their own length. */
const BYTES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8]
const STRING = 8
const LIST = 9

/**
 * Throws `invalid_file` for more tensors or values than real models come near to. What is wrong with a header
 * otherwise, its end included, the parser says.
 */
export async function checkGgufCounts(read: ReadPart, fileSize: number): Promise<void> {
  const header = new HeaderReader(read, fileSize)
  try {
    await header.skip(4)
    header.wide = (await header.word()) !== 1 // version 1 has lengths of 32 bits
    const tensors = await header.length()
    if (tensors > MAX_TENSORS)
      throw new IsletError(
        'invalid_file',
        `it cannot be read as GGUF: Tensor count ${tensors}, at most ${MAX_TENSORS} are read`,
      )
    let left = MAX_HEADER_VALUES
    const value = async (type: number): Promise<void> => {
      if (--left < 0) throw excess()
      if (type === STRING) return header.skip(await header.length())
      if (type !== LIST) return header.skip(BYTES[type] ?? Infinity)
      const [of, count] = [await header.word(), await header.length()]
      const bytes = BYTES[of]
      if (bytes === undefined) {
        for (let i = 0; i < count; i++) await value(of)
      } else {
        left -= count
        await header.skip(count * bytes)
      }
    }
    for (let key = await header.length(); key > 0; key--) {
      await header.skip(await header.length())
      await value(await header.word())
    }
    if (left < 0) throw excess()
  } catch (error) {
    if (error instanceof IsletError) throw error
    if (!(error instanceof RangeError)) throw error
  }
}

/** Little-endian words of a file in order; a RangeError at its end. */
class HeaderReader {
  wide = true
  readonly #read: ReadPart
  readonly #size: number
  #at = 0
  #start = 0
  #view: DataView = new DataView(new ArrayBuffer(0))

  constructor(read: ReadPart, size: number) {
    this.#read = read
    this.#size = size
  }

  async skip(bytes: number): Promise<void> {
    this.#at += bytes
    if (this.#at > this.#size) throw new RangeError('the end')
  }

  async word(): Promise<number> {
    const at = await this.#take(4)
    return this.#view.getUint32(at, true)
  }

  async length(): Promise<number> {
    if (!this.wide) return this.word()
    const at = await this.#take(8)
    return Number(this.#view.getBigUint64(at, true))
  }

  /** Where so many bytes lie in the window. */
  async #take(bytes: number): Promise<number> {
    const at = this.#at
    await this.skip(bytes)
    if (at < this.#start || at + bytes > this.#start + this.#view.byteLength) {
      const part = await this.#read(at, Math.min(WINDOW, this.#size - at))
      this.#view = new DataView(part.buffer, part.byteOffset, part.length)
      this.#start = at
    }
    return at - this.#start
  }
}

function excess(): IsletError {
  return new IsletError(
    'invalid_file',
    `it cannot be read as GGUF: its header holds more than ${MAX_HEADER_VALUES} values`,
  )
}
