/** A probe asks one endpoint all the time whether it takes a write, now in a session that is there, now in a new one; a reader looks whether what it sees is
 *  whole. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ring } from '../history'
import { type ClientConnection, type Login, openConnection } from './connection'
import { type Journal, now } from './journal'

export interface ProbeConfig {
  readonly login: Login
  readonly endpoint: string
  readonly run: string
}

const WRITE = `INSERT INTO public.probes (run, endpoint, server) SELECT $1, $2, system_identifier::text FROM pg_control_system()
  RETURNING id::int AS id, server`
const LOOK = `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS server, (SELECT sum(balance)::int FROM public.accounts) AS sum,
  (SELECT json_agg(json_build_array(node, next) ORDER BY node) FROM public.ring) AS ring`
const PROBE_EVERY_MS = 20
const LOOK_EVERY_MS = 150
/** Writes of one session. */
const STAYS_FOR = 10

export function probe({ login, endpoint, run }: ProbeConfig, journal: Journal, stopped: () => boolean): Promise<void> {
  return again(login, `probe ${endpoint}`, PROBE_EVERY_MS, stopped, async (connection) => {
    const from = now()
    const [row] = (await connection.query(WRITE, [run, endpoint])).rows as { id: number; server: string }[]
    if (row !== undefined) await journal.write({ is: 'accepted', endpoint, ...row, from, to: now() })
  })
}

export function read(login: Login, journal: Journal, stopped: () => boolean): Promise<void> {
  // in both databases all the time it comes as one of the fleet file's own roles; under any other name a switchover would not begin
  return again(login, 'capstan bank reader', LOOK_EVERY_MS, stopped, async (connection) => {
    const [seen] = (await connection.query(LOOK)).rows as { server: string; sum: number; ring: Ring }[]
    if (seen !== undefined) await journal.write({ is: 'snapshot', ...seen })
  })
}

async function again(
  login: Login,
  name: string,
  everyMs: number,
  stopped: () => boolean,
  act: (connection: ClientConnection) => Promise<void>,
): Promise<void> {
  let connection: ClientConnection | null = null
  for (let n = 0; !stopped(); n += 1) {
    const next = now() + everyMs
    try {
      connection ??= await openConnection(login, name)
      await act(connection)
      if (n % STAYS_FOR === 0) {
        connection.drop()
        connection = null
      }
    } catch {
      // kept out, or ended: that is what is measured
      connection?.drop()
      connection = null
    }
    await sleep(Math.max(1, next - now()))
  }
  connection?.drop()
}
