import { McpServer } from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

/** A real MCP server with a few tools; run as a program, it speaks over stdio. */
export function shopServer(): McpServer {
  const server = new McpServer({ name: 'shop', version: '1.0.0' })
  server.registerTool(
    'orders.find',
    { description: 'Finds an order.', inputSchema: z.object({ number: z.number().int() }) },
    async ({ number }) => ({ content: [{ type: 'text', text: `Order ${number} is on its way.` }] }),
  )
  server.registerTool('fail', { description: 'Fails.' }, async () => ({
    isError: true,
    content: [{ type: 'text', text: 'The shop is closed.' }],
  }))
  server.registerTool('photo', { description: 'Takes a picture.' }, async () => ({
    content: [
      { type: 'text', text: 'Here it is.' },
      { type: 'image', data: 'QUJD', mimeType: 'image/png' },
    ],
  }))
  server.registerTool('hang', { description: 'Never answers.' }, () => new Promise(() => undefined))
  server.registerTool('grow', { description: 'Adds a tool.' }, async () => {
    server.registerTool('grown', { description: 'Is new.' }, async () => ({
      content: [{ type: 'text', text: 'New.' }],
    }))
    return { content: [{ type: 'text', text: 'Grown.' }] }
  })
  server.registerTool('crash', { description: 'Ends the program.' }, () => process.exit(1))
  return server
}

if (process.argv.includes('--stdio')) await shopServer().connect(new StdioServerTransport())
