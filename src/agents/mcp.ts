import type { CallToolResult, Client, Tool as McpTool } from '@modelcontextprotocol/client'
import { MissingPackageError } from '../core/errors.js'
import type { JsonObject } from '../core/json.js'
import type { Tool, Toolset, ToolTraits } from './tool.js'
import { toolResult } from './tool-result.js'
import type { GivenMedia } from './tool-result.js'

/** Where an MCP server is: at a URL (streamable HTTP), or a program that is started (stdio). */
export type McpServer =
  | { url: string | URL; headers?: Readonly<Record<string, string>>; command?: undefined }
  | {
      command: string
      args?: readonly string[]
      /** Beside the few harmless variables that are passed on, such as PATH. */
      env?: Readonly<Record<string, string>>
      cwd?: string
      url?: undefined
    }

/** Options of {@link mcpTools}. */
export type McpOptions = McpServer & {
  /** For messages. Default: the URL's host, or the command. */
  name?: string
  /** Stands before the name of each tool, so that two servers don't get in each other's way. Default: nothing. */
  prefix?: string
  /** Names, at the server, of the tools that are taken. Default: all. */
  only?: readonly string[]
  /** What holds for all of the tools; the server's own hints are not trusted with it. */
  traits?: Pick<ToolTraits, 'timeoutMs' | 'idempotent' | 'requiresConfirmation' | 'approval' | 'approvalExpiry'>
}

/** The tools of an MCP server. Close it when it is not needed any more. */
export interface McpToolset extends Toolset, AsyncDisposable {
  /** Ends the connection; the next use opens a new one. */
  close(): Promise<void>
}

/** The agent's limit is what counts; the client's own must not come before it. */
const LONGEST_REQUEST_MS = 2 ** 31 - 1

/**
 * The tools of an MCP server, for an agent's `tools`. Nothing is opened before the first run, which asks the server for
 * its tools; they are kept until the server says that they have changed or the connection is gone. Needs the package
 * `@modelcontextprotocol/client`.
 *
 * @example
 * ```ts
 * await using files = mcpTools({ command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/data'] })
 * const agent = new Agent({ id: 'archivist', model, tools: [files] })
 * ```
 */
export function mcpTools(options: McpOptions): McpToolset {
  return new McpConnection(options)
}

class McpConnection implements McpToolset {
  readonly name: string
  private client: Promise<Client> | undefined
  private listed: Promise<readonly Tool[]> | undefined

  constructor(private readonly options: McpOptions) {
    // A URL may hold a key, and the name is shown to clients.
    this.name = options.name ?? (options.url === undefined ? options.command : new URL(options.url).host)
  }

  async tools(): Promise<readonly Tool[]> {
    const listed = (this.listed ??= this.list())
    try {
      return await listed
    } catch (error) {
      // The next run tries anew.
      if (this.listed === listed) this.listed = undefined
      throw error
    }
  }

  async close(): Promise<void> {
    const { client } = this
    this.forget()
    // One that never came about has nothing to close.
    const opened = await client?.catch(() => undefined)
    await opened?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  private forget(): void {
    this.client = undefined
    this.listed = undefined
  }

  private async list(): Promise<readonly Tool[]> {
    const { only } = this.options
    const client = await this.connected()
    const { tools } = await client.listTools()
    return tools.filter(({ name }) => only?.includes(name) ?? true).map((tool) => this.toTool(tool))
  }

  private async connected(): Promise<Client> {
    const opening = (this.client ??= connect(this.options, {
      onClose: () => this.client === opening && this.forget(),
      onToolsChanged: () => (this.listed = undefined),
    }))
    try {
      return await opening
    } catch (error) {
      if (this.client === opening) this.client = undefined
      throw error
    }
  }

  private async call(name: string, args: JsonObject, signal: AbortSignal) {
    const opening = this.client
    const client = await this.connected()
    try {
      return resultOf(await client.callTool({ name, arguments: args }, { signal, timeout: LONGEST_REQUEST_MS }))
    } catch (error) {
      // The server has lost the session, as by a restart: the next call begins another one.
      if (isNotFound(error) && this.client === opening) await this.close()
      throw error
    }
  }

  private toTool({ name, description, inputSchema }: McpTool): Tool {
    const { prefix = '', traits = {} } = this.options
    const { approval, requiresConfirmation = approval === 'required' } = traits
    return {
      ...traits,
      ...(requiresConfirmation && { requiresConfirmation }),
      // Servers may use characters that models may not.
      name: `${prefix}${name}`.replaceAll(/[^\w-]/g, '_').slice(0, 64),
      ...(description !== undefined && { description }),
      parameters: inputSchema,
      // The server knows its schema best, and says what is wrong.
      check: (args) => ({ args }),
      execute: (args, { signal }) => this.call(name, args as JsonObject, signal),
    }
  }
}

async function connect(
  options: McpOptions,
  { onClose, onToolsChanged }: { onClose: () => void; onToolsChanged: () => void },
): Promise<Client> {
  const { Client, StreamableHTTPClientTransport } = await load(() => import('@modelcontextprotocol/client'))
  const client = new Client(
    { name: 'agentos-sdk', version: '1' },
    { listChanged: { tools: { autoRefresh: false, onChanged: onToolsChanged } } },
  )
  if (options.url === undefined) {
    const { StdioClientTransport, getDefaultEnvironment } = await load(
      () => import('@modelcontextprotocol/client/stdio'),
    )
    const { command, args = [], env, cwd } = options
    await client.connect(
      new StdioClientTransport({ command, args: [...args], env: { ...getDefaultEnvironment(), ...env }, cwd }),
    )
  } else {
    const { url, headers } = options
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }))
  }
  // oxlint-disable-next-line prefer-add-event-listener -- the client is no event target
  client.onclose = onClose
  return client
}

async function load<Module>(importing: () => Promise<Module>): Promise<Module> {
  try {
    return await importing()
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && String(error.code).endsWith('MODULE_NOT_FOUND')
    if (!isMissing) throw error
    throw new MissingPackageError('@modelcontextprotocol/client', 'mcpTools()', { cause: error })
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 404
}

/** @throws Error with the server's words when the tool has failed: the model is told. */
function resultOf({ content, structuredContent, isError }: CallToolResult) {
  const texts: string[] = []
  const media: Required<Pick<GivenMedia, 'images' | 'audio'>> = { images: [], audio: [] }
  for (const block of content) {
    if (block.type === 'text') texts.push(block.text)
    else if (block.type === 'image') media.images.push({ content: block.data, mimeType: block.mimeType })
    else if (block.type === 'audio') media.audio.push({ content: block.data, mimeType: block.mimeType })
    else if (block.type === 'resource_link') texts.push(`${block.name}: ${block.uri}`)
    else texts.push('text' in block.resource ? block.resource.text : block.resource.uri)
  }
  const text = texts.join('\n')
  if (isError) throw new Error(text === '' ? 'The tool has failed.' : text)
  const isEmpty = text === '' && structuredContent !== undefined
  return toolResult({ content: isEmpty ? structuredContent : text, ...media })
}
