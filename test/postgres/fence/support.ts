/** Fences as tests raise them, and writers that never give up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { FenceScope } from '../../../contracts/fence'
import type { ConnectOptions } from '../../../postgres/connect/connect-options'
import { connect, type Session } from '../../../postgres/connect/session'
import type { Guest } from '../../../postgres/fence/guests'
import { type ConnectTo, openKeyhole } from '../../../postgres/fence/keyhole'
import { openDatabases } from '../../../postgres/fence/lower'
import { type FenceProof, proveClosed } from '../../../postgres/fence/prove'
import { closeDatabases, type RaisedDatabases } from '../../../postgres/fence/raise'
import { raiseFence } from '../../../postgres/migrate/fence'

export interface FenceUnderTest {
  readonly connectTo: ConnectTo
  raise(scope: FenceScope, attempt: number, more?: { waitMs?: number; guests?: readonly Guest[] }): Promise<RaisedDatabases>
  prove(scope: FenceScope, attempt: number, writer?: Partial<ConnectOptions>, guests?: readonly Guest[]): Promise<FenceProof>
  lower(attempt: number): Promise<string[]>
}

/** `options`: as the master, to a database of the server. */
export function fenceUnderTest(options: ConnectOptions, operation = 'op-one', epoch = 1): FenceUnderTest {
  const connectTo: ConnectTo = (database) => connect({ ...options, database, applicationName: 'test fence' })
  const inKeyhole = async <T>(attempt: number, work: (session: Session) => Promise<T>): Promise<T> => {
    const session = await openKeyhole({ connectTo, from: [options.database, 'postgres'] })
    try {
      await raiseFence(session, { epoch, attempt, operation })
      return await work(session)
    } finally {
      await session.close()
    }
  }
  return {
    connectTo,
    raise: (scope, attempt, { waitMs = 60_000, guests } = {}) =>
      inKeyhole(attempt, (session) =>
        closeDatabases(session, {
          connectTo,
          scope,
          operation,
          token: { epoch, attempt },
          waitMs,
          guests,
          beforeChange: async () => undefined,
        }),
      ),
    prove: (scope, attempt, writer = {}, guests = []) =>
      inKeyhole(attempt, (session) =>
        proveClosed(session, {
          connectTo,
          connectAsWriter: () => connect({ ...options, ...writer }),
          scope,
          operation,
          token: { epoch, attempt },
          guests,
        }),
      ),
    lower: (attempt) =>
      inKeyhole(attempt, (session) => openDatabases(session, { raisedBy: operation, token: { epoch, attempt } })),
  }
}

export interface Writer {
  /** Numbers whose insertion was acknowledged. */
  readonly acknowledged: readonly number[]
  /** Resolves once `more` insertions were acknowledged from now on. */
  progress(more: number): Promise<void>
  stop(): Promise<void>
}

/** Inserts its own numbers into `written`, in a transaction that says READ WRITE, and connects again whenever it is thrown out. `unsynced`: its commits
 *  are acknowledged before they are on disk. */
export function startWriter(options: ConnectOptions, first: number, { unsynced = false } = {}): Writer {
  const acknowledged: number[] = []
  let stopped = false
  const write = async (): Promise<void> => {
    const { applicationName: application_name, host, port, database, user, password } = options
    const client = new Client({ host, port, database, user, password, application_name })
    client.on('error', () => undefined)
    try {
      await client.connect()
      if (unsynced) await client.query('SET synchronous_commit = off')
      while (!stopped) {
        const number = first + acknowledged.length
        await client.query('BEGIN READ WRITE')
        await client.query('INSERT INTO written VALUES ($1) ON CONFLICT DO NOTHING', [number])
        await client.query('COMMIT')
        acknowledged.push(number)
      }
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  const done = (async () => {
    while (!stopped) {
      await write().catch(() => undefined)
      await sleep(5)
    }
  })()
  return {
    acknowledged,
    async progress(more) {
      const wanted = acknowledged.length + more
      while (acknowledged.length < wanted) await sleep(10)
    },
    async stop() {
      stopped = true
      await done
    },
  }
}

/** A connection that tells when the server has ended it. */
export async function openClient(options: ConnectOptions): Promise<{ client: Client; ended: Promise<void> }> {
  const { host, port, database, user, password } = options
  const client = new Client({ host, port, database, user, password })
  client.on('error', () => undefined)
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  await client.connect()
  return { client, ended }
}
