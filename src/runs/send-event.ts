import { z } from 'zod'
import { CallerChosenId, UserJson } from '../core/schema.js'

/** What `runs.sendEvent()` takes, beside the run. */
export const SendEvent = z.object({
  name: CallerChosenId(255),
  payload: UserJson.optional(),
  /** One that is sent again under the same id counts once. */
  id: CallerChosenId(255).optional(),
})
export type SendEvent = z.infer<typeof SendEvent>
