// MemoryViews holds typed views of the one memory for the plain twins. Beside it are the few float helpers
// that they share.

export const f = Math.fround

export class MemoryViews {
  readonly f32: Float32Array
  readonly i32: Int32Array
  readonly u32: Uint32Array
  readonly i16: Int16Array
  readonly u16: Uint16Array
  readonly i8: Int8Array
  readonly u8: Uint8Array

  constructor(buffer: ArrayBuffer | SharedArrayBuffer) {
    this.f32 = new Float32Array(buffer)
    this.i32 = new Int32Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.i16 = new Int16Array(buffer)
    this.u16 = new Uint16Array(buffer)
    this.i8 = new Int8Array(buffer)
    this.u8 = new Uint8Array(buffer)
  }
}

/** f16 bits -> number, exact; no infinities or NaN in weights. */
export function f16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** bf16 bits -> number: the upper half of an f32. */
export function bf16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]
}

/** (a + b) + (c + d) in f32, the order in which kernels join four lanes. */
export function joinLanes(lanes: Float32Array | number[]): number {
  return f(f(lanes[0] + lanes[1]) + f(lanes[2] + lanes[3]))
}
