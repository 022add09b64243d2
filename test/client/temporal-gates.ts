/** What may stand before a Temporal server: one that speaks TLS and passes on what comes over it, and one that asks for a key too. */
import { connect as connectHttp2, createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'

export interface Gate {
  readonly address: string
  close(): Promise<void>
}

async function open(server: Server, alsoClose: () => void = () => undefined): Promise<Gate> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        alsoClose()
        for (const socket of sockets) socket.destroy()
        server.close(() => done())
      }),
  }
}

export function tlsGate(target: string, options: TlsOptions): Promise<Gate> {
  const [host = '', port = ''] = target.split(':')
  const server = createServer({ ...options, ALPNProtocols: ['h2'] }, (near) => {
    const far = connect(Number(port), host)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  return open(server)
}

/** Answers a wrong key as a careless server would: with what it was sent. */
export function keyGate(target: string, options: TlsOptions & { readonly apiKey: string }): Promise<Gate> {
  const upstream = connectHttp2(`http://${target}`)
  const server = createSecureServer(options)
  server.on('sessionError', () => undefined)
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    const { authorization } = headers
    if (authorization === `Bearer ${options.apiKey}`) return forward(stream, headers)
    const said = { 'grpc-status': '16', 'grpc-message': `Request unauthorized: ${authorization ?? 'no header'}` }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...said }, { endStream: true })
  })
  function forward(stream: ServerHttp2Stream, { authorization: _, ...headers }: IncomingHttpHeaders): void {
    const call = upstream.request({ ...headers, ':authority': target, ':scheme': 'http' })
    let trailers: IncomingHttpHeaders = {}
    call.on('error', () => stream.close())
    call.on('response', (answer, flags) => {
      const endStream = (flags & 1) === 1
      stream.respond(answer, endStream ? { endStream } : { waitForTrailers: true })
      if (!endStream) call.pipe(stream)
    })
    call.on('trailers', (received) => {
      trailers = received
    })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    stream.pipe(call)
  }
  return open(server, () => upstream.destroy())
}
