/** Connections to the shop's database from one of the addresses that its security group knows. */
import { Socket } from 'node:net'
import { Client, escapeLiteral, type QueryResultRow } from 'pg'

export interface ShopAddress {
  readonly host: string
  readonly port: number
}

export interface ShopLogin {
  readonly user: string
  readonly password: string
  readonly database: string
  /** Local address to come from. */
  readonly source: string
}

export interface ShopSession {
  query<T extends QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<T[]>
  /** Several statements as they stand. */
  script(sql: string): Promise<void>
  close(): Promise<void>
}

export async function openShop(address: ShopAddress, login: ShopLogin): Promise<ShopSession> {
  const { user, password, database, source } = login
  const client = new Client({
    ...address,
    user,
    password,
    database,
    application_name: 'capstan story',
    stream: () => new SourceSocket(source),
  })
  // A server that goes away fails the next query; the event must not end the process.
  client.on('error', () => undefined)
  await client.connect()
  return {
    query: async <T extends QueryResultRow>(sql: string, values: readonly unknown[] = []) =>
      (await client.query<T>(sql, [...values])).rows,
    script: async (sql) => {
      await client.query(sql)
    },
    close: () => client.end().catch(() => undefined),
  }
}

export async function withShop<T>(
  address: ShopAddress,
  login: ShopLogin,
  work: (session: ShopSession) => Promise<T>,
): Promise<T> {
  const session = await openShop(address, login)
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

export { escapeLiteral }

class SourceSocket extends Socket {
  readonly #source: string
  constructor(source: string) {
    super()
    this.#source = source
  }
  override connect(...args: unknown[]): this {
    const [port, host] = args
    if (typeof port !== 'number' || typeof host !== 'string') throw new Error('expected a port and a host')
    return super.connect({ port, host, localAddress: this.#source })
  }
}
