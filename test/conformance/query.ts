import { Client } from 'pg'
import type { Row } from './cloud-under-test'

/** Over TLS to a server whose certificate nobody checks: an account made for a test. */
export async function plainQuery(
  login: { host: string; port: number; user: string; password: string },
  sql: string,
): Promise<Row[]> {
  const client = new Client({ ...login, database: 'postgres', ssl: { rejectUnauthorized: false } })
  await client.connect()
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end())
}
