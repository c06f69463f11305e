/** Negative when `left` is older than `right`. Versions are `major.minor.patch`. */
export function compareVersions(left: string, right: string): number {
  const rights = numbersOf(right)
  for (const [at, number] of numbersOf(left).entries()) {
    const difference = number - (rights[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export function majorOf(version: string): number {
  return numbersOf(version)[0]!
}

function numbersOf(version: string): number[] {
  return version.split('.').map(Number)
}
