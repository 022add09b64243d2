/** The administrator's own connections. The lab binds the socket to its own address, the only one from which a server lets
 *  the administrator in: libpq cannot choose a source address, Node can. */
import { Socket } from 'node:net'
import { Client } from 'pg'

export interface AdministratorLogin {
  host: string
  port: number
  user: string
  password: string
  database: string
  /** The lab's own address. */
  from: string
}

/** What customers set as defaults for everybody must not change what the administrator's statements do. */
const UNMOVED = [
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
  'idle_session_timeout=0',
  'default_transaction_read_only=off',
  'synchronous_commit=on',
  'log_statement=none',
  'log_duration=off',
  'log_min_duration_statement=-1',
  'log_min_duration_sample=-1',
  'log_transaction_sample_rate=0',
  'log_min_error_statement=panic',
  'search_path=pg_catalog',
]
  .map((setting) => `-c ${setting}`)
  .join(' ')

/** Opens a connection, hands it to `use`, and closes it whatever happens. */
export async function withAdministrator<Result>(
  login: AdministratorLogin,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { from, ...server } = login
  const client = new Client({ ...server, options: UNMOVED, stream: () => socketFrom(from), connectionTimeoutMillis: 10_000 })
  // a server that dies under an idle connection reports it here; the next query fails with it
  client.on('error', () => {})
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** A socket that will be bound to `localAddress`, whatever it is told to connect to: pg calls `connect(port, host)`. */
function socketFrom(localAddress: string): Socket {
  const socket = new Socket()
  const connect = socket.connect.bind(socket) as (options: { port: number; host: string; localAddress: string }) => Socket
  return Object.assign(socket, {
    connect: (port: number, host: string) => connect({ port, host, localAddress }),
  })
}

export function literal(value: string): string {
  const escaped = value.replaceAll("'", "''")
  return escaped.includes('\\') ? ` E'${escaped.replaceAll('\\', '\\\\')}'` : `'${escaped}'`
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
