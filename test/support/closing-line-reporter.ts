import type { Reporter, SerializedError, TestModule } from 'vitest/node'

interface Count {
  passed: number
  failed: number
  skipped: number
}

/** Prints `tests: N passed, N failed` as the last line of a run, for programs that read it. */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count: Count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) countModule(module, count)
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
    const line = `tests: ${count.passed} passed, ${count.failed} failed${skipped}\n`
    // The default reporter still writes after this hook when it tears down.
    process.once('exit', () => process.stdout.write(line))
  }
}

function countModule(module: TestModule, count: Count): void {
  // A file that can't be loaded, or a hook that throws, fails without any test that failed.
  count.failed += module.errors().length
  for (const suite of module.children.allSuites()) count.failed += suite.errors().length
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === 'passed') count.passed += 1
    else if (state === 'failed') count.failed += 1
    else count.skipped += 1
  }
}
