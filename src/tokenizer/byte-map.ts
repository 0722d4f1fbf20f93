// GPT-2's vocabularies give each byte a printable character: a space is Ġ, a newline is Ċ.

const charOfByte = new Uint16Array(256)
const byteOfChar = new Int16Array(0x180).fill(-1)
for (let byte = 0, next = 256; byte < 256; byte++) {
  const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)
  charOfByte[byte] = printable ? byte : next++
  byteOfChar[charOfByte[byte]] = byte
}

/** The bytes that a token's name stands for; undefined if a character is not in the map. */
export function bytesOfName(name: string): Uint8Array | undefined {
  const bytes = new Uint8Array(name.length)
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    const byte = code < byteOfChar.length ? byteOfChar[code] : -1
    if (byte < 0) return undefined
    bytes[i] = byte
  }
  return bytes
}

/** The name of a token that stands for these bytes. */
export function nameOfBytes(bytes: Uint8Array): string {
  let name = ''
  for (const byte of bytes) name += String.fromCharCode(charOfByte[byte])
  return name
}
