import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface DocsPageOptions {
  title: string
  /** Where the OpenAPI document is, as seen from the page: `openapi.json` for a sibling of `/docs`. */
  openapiPath: string
}

export interface DocsAsset {
  body: Uint8Array<ArrayBuffer>
  /** Its media type. */
  type: string
}

const assetTypes: ReadonlyMap<string, string> = new Map([
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
])

/**
 * The page that makes the OpenAPI document browsable. Serve it at `<base>/docs` and its files at
 * `<base>/docs/assets/<name>`: every URL in it is relative, so any prefix and any proxy in front will do.
 */
export function docsPage(options: DocsPageOptions): Response {
  const nonce = crypto.randomUUID()
  return new Response(html(options, nonce), {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': contentSecurityPolicy(nonce),
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    },
  })
}

/** One of the page's files by its name; undefined for any other name. */
export async function docsAsset(name: string): Promise<DocsAsset | undefined> {
  const type = assetTypes.get(name)
  if (type === undefined) return undefined
  return { body: await readAsset(name), type }
}

async function readAsset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = fileURLToPath(import.meta.url)
  try {
    return await readFile(join(dirname(file), 'docs-assets', name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // Run from source there is no build beside this file, but the package that the build copies from is installed.
    const swaggerUi = createRequire(file).resolve('swagger-ui-dist/package.json')
    return readFile(join(dirname(swaggerUi), name))
  }
}

function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function html({ title, openapiPath }: DocsPageOptions, nonce: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escapeHtml(title)}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="docs/assets/swagger-ui.css">
  </head>
  <body>
    <div id="docs" data-openapi="${escapeHtml(openapiPath)}"></div>
    <noscript>This page needs JavaScript. The API is described in <a href="${escapeHtml(openapiPath)}">the OpenAPI document</a>.</noscript>
    <script nonce="${nonce}" src="docs/assets/swagger-ui-bundle.js"></script>
    <script nonce="${nonce}">${start}</script>
  </body>
</html>
`
}

/** `validatorUrl: null` keeps the viewer from asking a public service to judge the document. */
const start = `
      const docs = document.getElementById('docs')
      SwaggerUIBundle({
        domNode: docs,
        url: docs.dataset.openapi,
        deepLinking: true,
        displayRequestDuration: true,
        validatorUrl: null,
      })
    `

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
