/** A client's connection, by the driver alone: what is under test is not what tests. It is let go of whole: a server that stands still is not waited for. */
import { Client } from 'pg'
import { BoundSocket } from '../../../postgres/connect/bound-socket'

export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly sourceAddress: string
  /** Default 4,000: an application is patient for so long, and then connects anew. */
  readonly patienceMs?: number
}

export interface Answer {
  readonly command: string
  readonly rows: Record<string, unknown>[]
}

export interface ClientConnection {
  query(sql: string, values?: readonly unknown[]): Promise<Answer>
  drop(): void
}

const PATIENCE_MS = 4_000

/** Over TLS where the server speaks it. */
export async function openConnection(login: Login, name: string): Promise<ClientConnection> {
  try {
    return await opened(login, name, true)
  } catch (error) {
    if (!(error instanceof Error) || !/does not support SSL/.test(error.message)) throw error
    return opened(login, name, false)
  }
}

async function opened(
  { sourceAddress, patienceMs = PATIENCE_MS, ...login }: Login,
  name: string,
  encrypted: boolean,
): Promise<ClientConnection> {
  const socket = new BoundSocket(sourceAddress)
  const client = new Client({
    ...login,
    database: 'stock',
    application_name: name,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: patienceMs,
    ssl: encrypted ? { rejectUnauthorized: false } : false,
    stream: () => socket,
  })
  client.on('error', () => undefined)
  const drop = () => void socket.destroy()
  try {
    await client.connect()
  } catch (error) {
    drop()
    throw error
  }
  return {
    query: async (sql, values) => {
      const { command, rows } = await client.query(sql, values === undefined ? undefined : [...values])
      return { command, rows }
    },
    drop,
  }
}
