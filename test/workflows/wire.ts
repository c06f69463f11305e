import { expect } from 'vitest'
import type { z } from 'zod'
import { decoder } from '../../src/http/decode.js'

/** The events of an SSE text; each must be what the contract says, with rising indexes and one id. */
export function sliceOf(text: string, schema: z.ZodType): Record<string, unknown>[] {
  const decode = decoder(schema)
  return text
    .split('\n\n')
    .filter((frame) => frame.includes('data: '))
    .map((frame) => {
      const lines = frame.split('\n')
      const value = JSON.parse(lines.find((line) => line.startsWith('data: '))!.slice(6)) as Record<string, unknown>
      expect(lines[0]).toBe(`event: ${String(value.event)}`)
      if (value.event_index !== undefined) {
        expect(lines[1]).toBe(`id: ${value.event_index as number}`)
        const parsed = schema.safeParse(decode(value))
        expect(parsed.success ? [] : parsed.error.issues, JSON.stringify(value)).toEqual([])
      }
      return value
    })
}
