import packageJson from '../../package.json' with { type: 'json' }

/** This package, as it tells others who it is. */
export const SDK = { name: packageJson.name, version: packageJson.version }
