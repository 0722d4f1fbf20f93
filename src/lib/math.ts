export const pow = (b: number, x: number): number => Math.pow(b, x)
export const sinCos = (a: number): { sin: number; cos: number } => ({ sin: Math.sin(a), cos: Math.cos(a) })
