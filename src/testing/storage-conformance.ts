export interface StorageConformanceOptions {
  x?: number
}
export function storageConformance(_o: StorageConformanceOptions): void {}
