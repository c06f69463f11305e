import type { BenchServer } from './child.ts'
import { median } from './report.ts'

/** Milliseconds until the first byte of a resumed stream, and until that of the run's record. */
export async function firstByte({ url }: BenchServer): Promise<{ resume: number; read: number }> {
  const created = await fetch(`${url}/agents/stream/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Hi' }),
  })
  const { run_id: runId } = (await created.json()) as { run_id: string }
  const path = `${url}/agents/stream/runs/${runId}`
  const resume: number[] = []
  const read: number[] = []
  for (let round = 0; round < 300; round++) {
    resume.push(await time(`${path}/resume`))
    read.push(await time(path))
  }
  return { resume: median(resume.slice(50)), read: median(read.slice(50)) }
}

async function time(url: string): Promise<number> {
  const before = performance.now()
  const response = await fetch(url)
  const reader = response.body!.getReader()
  await reader.read()
  const elapsed = performance.now() - before
  for (let next = await reader.read(); !next.done; next = await reader.read());
  return elapsed
}
