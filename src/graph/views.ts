// Views say what each layer sees and how it turns, by the spec's kinds of layers and the window set.

import type { WindowOptions } from '../cache/window.ts'
import { IsletError } from '../lib/errors.ts'
import { layerKind, takesWindow, type ModelSpec, type Position } from '../models/spec.ts'
import { wholeRange, type LayerRange } from '../weights/layer-range.ts'

/** Layers of one view share what a row sees and its rotation. */
export type View = { window: WindowOptions; position: Position }

export type Views = {
  list: readonly View[]
  /** By layer, counted from the first of the range. */
  ofLayer: readonly number[]
  /**
   * Everything that some layer of the model sees: pages outside it are of no use to any. `byDepth` is as it
   * was configured.
   */
  widest: WindowOptions
}

/**
 * The views of a model's layers in `range`. A layer's own window stays as it was trained where it is no wider
 * than the configured one, which otherwise takes its place, sinks and all. Throws invalid_request where the
 * family allows no window.
 */
export function viewsOf(
  spec: ModelSpec,
  options: WindowOptions,
  { from, to }: Pick<LayerRange, 'from' | 'to'> = wholeRange(spec),
): Views {
  if (!takesWindow(spec) && options.window !== undefined) {
    throw new IsletError(
      'invalid_request',
      'this model sees its whole prompt both ways and takes no window: leave the window out (WINDOW = "0")',
      { param: 'window' },
    )
  }
  if (options.byDepth !== undefined && options.byDepth.length > spec.layers) {
    throw new IsletError(
      'invalid_request',
      `${options.byDepth.length} windows for a model of ${spec.layers} layers: give one for each run of layers, no more`,
      { param: 'window' },
    )
  }
  const all = Array.from({ length: spec.layers }, (_, layer): View => {
    const kind = layerKind(spec, layer)
    const window = windowOf(kind.window, windowOfLayer(options, layer, spec.layers))
    return { window, position: kind.position }
  })
  const list: View[] = []
  const ofLayer = all.slice(from, to).map((view) => {
    const known = list.findIndex((other) => isSame(other, view))
    return known < 0 ? list.push(view) - 1 : known
  })
  const widest = widestOf(all.map(({ window }) => window))
  return {
    list,
    ofLayer,
    widest: options.byDepth === undefined ? widest : { ...widest, byDepth: options.byDepth },
  }
}

/** With several windows, the layers are cut into as many equal runs, from the first layer up. */
function windowOfLayer(
  { window, sinks, byDepth }: WindowOptions,
  layer: number,
  layers: number,
): WindowOptions {
  if (byDepth === undefined) return { window, sinks }
  return { window: byDepth[Math.floor((layer * byDepth.length) / layers)], sinks }
}

function windowOf(own: number | undefined, given: WindowOptions): WindowOptions {
  const keeps = own !== undefined && (given.window === undefined || own <= given.window)
  return keeps ? { window: own, sinks: 0 } : given
}

function isSame(a: View, b: View): boolean {
  return a.position === b.position && a.window.window === b.window.window && a.window.sinks === b.window.sinks
}

function widestOf(windows: readonly WindowOptions[]): WindowOptions {
  let widest: WindowOptions = windows[0]
  for (const { window, sinks } of windows) {
    if (window === undefined) return { window, sinks: 0 }
    widest = { window: Math.max(window, widest.window ?? 0), sinks: Math.max(sinks, widest.sinks) }
  }
  return widest
}
