import { z } from 'zod'

/** Where a run's end or pause is posted to. */
export const RunWebhook = z
  .object({
    /** http or https, on the public internet unless the host allows more. */
    url: z.string().min(1).max(2048),
    /** Name of the secret that signs it. Default: the one that is called `default`, or the only one. */
    secretRef: z.string().min(1).max(255).optional(),
  })
  .meta({ id: 'RunWebhook' })
export type RunWebhook = z.infer<typeof RunWebhook>
