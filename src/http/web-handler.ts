/** Where a host mounted us. */
export interface MountOptions {
  /** Prefix of the mount without a trailing slash, such as `/os`; empty at the root. */
  basePath?: string
  /** Address of the client, as far as the host knows it. */
  clientAddress?: string
  /** False where the host can't make a socket of a request. Default: true. */
  canUpgrade?: boolean
}

/** What a host adapter needs to know of an AgentOS: nothing of agents. */
export interface WebHandler {
  /** Answers a Web-standard request. The request's URL still holds the mount prefix. */
  fetch(request: Request, options?: MountOptions): Promise<Response>
  /** Whether a path, without the mount prefix, is one of ours. A path that is not goes to the host's next handler. */
  matches(pathname: string): boolean
}

/** What a host adapter needs to know to serve sockets. */
export interface SocketHandler {
  /** Whether a path, without the mount prefix, is that of a socket of ours. */
  matchesSocket(pathname: string): boolean
  /**
   * Answers a request for a socket, before the host upgrades it: with what serves the connection, or with the response
   * that refuses it. Never rejects.
   */
  connect(request: Request, options?: MountOptions): Promise<Response | OpenSocket>
}

/** Called once the connection is upgraded. */
export type OpenSocket = (peer: SocketPeer) => SocketListener

/** The client's end of a socket, as a host adapter shows it. */
export interface SocketPeer {
  send(text: string): void
  /** Whether what was sent is, but for a bounded rest, out of this process's memory. */
  readonly hasRoom: boolean
  /** Stops reading from the client for a while; frames that were read already may still come. */
  pause(): void
  resume(): void
  close(code: number, reason: string): void
  /** Drops the connection at once. */
  terminate(): void
}

/** What a host adapter tells of a socket. */
export interface SocketListener {
  /** A frame of text; of a frame of bytes nothing but that it came. */
  receive(text: string | undefined): void
  /** There may be room again. */
  drained(): void
  /** The last thing that is told. */
  closed(): void
}
