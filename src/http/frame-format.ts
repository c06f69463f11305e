import { sseFrame } from './sse.js'

/** How the frames of a stream are written. */
export interface FrameFormat {
  /** @param index of an event; other frames have none. */
  readonly frame: (event: string, index: number | undefined, payload: object) => string
  /** What is said beside the events, where the format has room for it. */
  readonly note?: (text: string) => string
}

/** Server-sent events. */
export const sseFormat: FrameFormat = {
  frame: (event, index, payload) => sseFrame(event, index, JSON.stringify(payload)),
  note: (text) => `: ${text}\n\n`,
}

/** One JSON object per frame, for connections that have frames of their own. */
export const jsonFormat: FrameFormat = { frame: (_event, _index, payload) => JSON.stringify(payload) }

/** As a format, with an id in the first frame that tells which request it answers. */
export function answering(id: string | number | undefined, { frame, note }: FrameFormat): FrameFormat {
  let isFirst = id !== undefined
  return {
    frame: (event, index, payload) => {
      const shown = isFirst ? { id, ...payload } : payload
      isFirst = false
      return frame(event, index, shown)
    },
    note,
  }
}
