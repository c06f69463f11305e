import { defineConfig } from 'vitest/config'
import config from './vitest.config.ts'

/** `npm run test:browser`: what only a real browser can judge. It needs Chromium on the PATH (Debian: `chromium`). */
export default defineConfig({ ...config, test: { ...config.test, include: ['test/**/*.browser.ts'] } })
