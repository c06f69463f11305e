import { support } from '../../../agent-os.ts'

/** Somebody else's system calls in, and an agent answers: an ordinary function call, nothing is stored. */
export async function POST(request: Request): Promise<Response> {
  const { subject } = (await request.json()) as { subject?: string }
  if (!subject) return Response.json({ error: 'subject is missing' }, { status: 400 })
  const run = await support.run(subject)
  return Response.json({ status: run.status, reply: run.content })
}
