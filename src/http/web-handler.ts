/** Where a host mounted us. */
export interface MountOptions {
  /** Prefix of the mount without a trailing slash, such as `/os`; empty at the root. */
  basePath?: string
  /** Address of the client, as far as the host knows it. */
  clientAddress?: string
}

/** What a host adapter needs to know of an AgentOS: nothing of agents. */
export interface WebHandler {
  /** Answers a Web-standard request. The request's URL still holds the mount prefix. */
  fetch(request: Request, options?: MountOptions): Promise<Response>
  /** Whether a path, without the mount prefix, is one of ours. A path that is not goes to the host's next handler. */
  matches(pathname: string): boolean
}
