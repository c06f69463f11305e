export { storageConformance, type StorageConformanceOptions } from './storage-conformance.js'
