import { Agent, approval, parallel, sequence, step, Workflow } from 'agentos-sdk'
import { openai, scripted } from 'agentos-sdk/models'
import type { Model, ModelRequest, ScriptedReply } from 'agentos-sdk/models'
import { z } from 'zod'

const Brief = z.object({ topic: z.string().min(1), words: z.number().int().positive().default(20) })
const Draft = z.object({ title: z.string(), text: z.string() })
type Draft = z.infer<typeof Draft>

/** Puts an article where readers are. The key is the same however often the same article is handed over. */
export type Publish = (article: Draft, options: { key: string; signal: AbortSignal }) => Promise<{ url: string }>

/**
 * An article is drafted, checked by an agent and by code at the same time, looked at by a person, and published at most
 * once. Without `OPENAI_API_KEY` its agents follow a script.
 */
export function contentWorkflow(publish: Publish) {
  const writer = new Agent({
    id: 'writer',
    instructions: 'Write a short article with a title.',
    model: modelOr(writerScript),
    output: Draft,
  })
  const editor = new Agent({
    id: 'editor',
    instructions: 'Name what the text claims and does not show, in a sentence.',
    model: modelOr(() => 'It shows what it claims.'),
  })

  const draft = step({
    name: 'draft',
    agent: writer,
    retry: { times: 2, delayMs: 1_000 },
    prompt: ({ topic, words }: z.output<typeof Brief>) => `Write ${words} words about ${topic}.`,
  })
  const checks = parallel('checks', {
    article: step({ name: 'keep', run: (article: Draft) => article }),
    claims: step({ name: 'claims', agent: editor, prompt: ({ text }: Draft) => text }),
    words: step({ name: 'words', run: ({ text }: Draft) => text.split(/\s+/).length }),
  })
  const publishing = step({
    name: 'publish',
    // Whether it was published is not known after a crash in between: a person says whether to try again.
    atMostOnce: true,
    timeoutMs: 30_000,
    run: async ({ article }: { article: Draft }, { idempotencyKey, signal, sessionState }) => {
      const { url } = await publish(article, { key: idempotencyKey, signal })
      sessionState.published = url
      return { title: article.title, url }
    },
  })
  const look = approval<Checked>({ name: 'look', message: 'May this be published?' })

  return new Workflow({
    id: 'content',
    name: 'Content',
    description: 'Writes an article, and publishes it once somebody agrees.',
    input: Brief,
    steps: sequence('content', draft, checks, look, publishing),
  })
}

/** What whoever decides has before them. */
interface Checked {
  readonly article: Draft
  readonly claims: string
  readonly words: number
}

function modelOr(script: (request: ModelRequest) => ScriptedReply): Model {
  if (process.env.OPENAI_API_KEY) return openai(process.env.OPENAI_MODEL ?? 'gpt-5-mini')
  return scripted(script)
}

function writerScript(): ScriptedReply {
  return { content: JSON.stringify({ title: 'Tea', text: 'Leaves, hot water, and a little patience.' }) }
}
