export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function round(value: number, digits = 0): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

export function ratio(ours: number, theirs: number): string {
  return `ratio ${round(ours / theirs, 3)}`
}

export function show(what: string, measured: string, verdict = ''): void {
  console.log([what, measured, verdict].filter(Boolean).join(': '))
}
