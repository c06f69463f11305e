import type { LogEntry } from '../../src/agents/log/entry.js'
import type { Runnable } from '../../src/agents/runnable.js'

const step = { stepId: 'publish', stepName: 'publish', stepIndex: 0 }
const output = { stepId: 'publish', stepName: 'publish', success: true, stop: false, isPaused: false }

/** A workflow without steps to execute: the least that can be run under the routes of workflows. */
export function plainWorkflow(id = 'release', name = 'Release'): Runnable {
  return {
    kind: 'workflow',
    id,
    name,
    historyRuns: () => 0,
    async *execute({ fold }) {
      if (fold.lastIndex < 0) yield entry({ event: 'RunStarted' })
      yield entry({ event: 'StepStarted', ...step })
      yield entry({ event: 'StepOutput', ...step, stepOutput: output })
      yield entry({ event: 'StepCompleted', ...step, content: 'Published.', stepResponse: output })
      yield entry({
        event: 'RunCompleted',
        content: 'Published.',
        contentType: 'str',
        status: 'completed',
        stepResults: [output],
        workflowMetrics: { steps: {} },
      })
    },
    describe: () => ({ id, name, isFactory: false, isComponent: false, workflowAgent: false }),
  }
}

function entry(event: LogEntry['event']): LogEntry {
  return { event }
}
