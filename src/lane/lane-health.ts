// A lane's health tells how far its load has come, and what its engine does.

import type { LaneHealth, StorageUse } from '../protocol/lane-reports.ts'
import { errorEvent } from '../protocol/wire.ts'
import type { Isolate } from './isolate.ts'
import type { WindowedLoader } from './windowed-loader.ts'

/** The health of a lane of this model, as it stands. */
export function healthOf(
  { isolate, config }: { isolate: Isolate; config: { model: string } },
  loader: WindowedLoader,
  storage: StorageUse,
): LaneHealth {
  const { failure, inPlace } = isolate
  const { note } = loader
  return {
    state: isolate.state,
    done: isolate.done,
    total: isolate.total,
    window: inPlace?.model.window ?? loader.windowOf(),
    model: config.model,
    ...(inPlace !== undefined && {
      linearMemoryBytes: inPlace.model.linearMemoryBytes,
      running: inPlace.engine.load.running,
      waiting: inPlace.engine.load.waiting,
    }),
    ...(inPlace?.model.stages && { stages: [...inPlace.model.stages] }),
    ...(failure !== undefined && { message: errorEvent(failure).message }),
    ...(note !== undefined && { note }),
    storage,
  }
}
