// An output collects what a part of a template prints, within the bounds of a value.

import { MAX_VALUE, tooLarge, type Meter } from './meter.ts'
import type { Scope } from './scope.ts'

/** Collects what a template prints. */
export class Output {
  text = ''

  add(text: string, meter: Meter): void {
    this.text += text
    meter.take(text.length / 64)
    if (this.text.length > MAX_VALUE) throw tooLarge(this.text.length)
  }
}

/** Tells the loop around that a body ended early. */
export type Leaves = 'break' | 'continue' | undefined
export type Run = (scope: Scope, output: Output) => Leaves
