/** A source and a standby that fit, as masters who are no superusers, so that each case has to break one thing only. */

import type { PreflightCheckId, PreflightFinding, PreflightReport } from '../../../../contracts/preflight'
import type { PostgresMajor } from '../../../../pgserver/binaries'
import { connect, type Session } from '../../../../postgres/connect/session'
import { ask } from '../../../../postgres/replicate/preflight/ask'
import { inOrder } from '../../../../postgres/replicate/preflight/in-order'
import { CHECKS, type PreflightInput, preflight, withDefaults } from '../../../../postgres/replicate/preflight/preflight'
import { startTestServer, type TestDatabase, type TestServer } from '../../support/server'

/** No transaction but ours: what writes is seen by the ids that it takes. */
const SETTINGS = { autovacuum: 'off', max_prepared_transactions: '5', max_wal_senders: '10' }

export const MEGABYTE = 1024 * 1024

export async function startSide(major: PostgresMajor, more: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const server = await startTestServer(major, { ...SETTINGS, ...more })
  const root = await (await server.database()).connectAsSuperuser()
  await root.execute(`CREATE ROLE publisher LOGIN REPLICATION PASSWORD 'secret'; GRANT pg_read_all_data TO publisher`)
  if (major >= 16) await root.execute('GRANT pg_create_subscription TO master')
  return server
}

export interface Side {
  readonly database: TestDatabase
  readonly session: Session
  readonly root: Session
}

export async function sideOf(server: TestServer): Promise<Side> {
  const database = await server.database()
  return { database, session: await database.connect(), root: await database.connectAsSuperuser() }
}

/** By another role, or in another database of the same server. */
export const connectAs = ({ database }: Side, user: string, name = database.options.database): Promise<Session> =>
  connect({ ...database.options, user, database: name })

type Changed = Partial<PreflightInput>

export class Pair {
  constructor(
    readonly source: Side,
    readonly standby: Side,
  ) {}

  look(changed: Changed = {}): Promise<PreflightReport> {
    return preflight(this.#input(changed))
  }

  /** What one check finds; it has to know all that it asks. */
  async found(check: PreflightCheckId, changed: Changed = {}): Promise<readonly PreflightFinding[]> {
    const input = this.#input(changed)
    const { findings, notKnown } = await ask(CHECKS.find(({ id }) => id === check)!, input, withDefaults(input))
    expect(notKnown).toEqual([])
    return inOrder(findings)
  }

  #input(changed: Changed): PreflightInput {
    return {
      source: this.source.session,
      standby: this.standby.session,
      clouds: { source: null, standby: null },
      publisher: { user: 'publisher', tls: 'verify-full' },
      dataBytesFree: { source: 10_000 * MEGABYTE, standby: 10_000 * MEGABYTE },
      retainedBytesMax: 1_000 * MEGABYTE,
      prepared: false,
      ...changed,
    }
  }

  async told(check: PreflightCheckId, changed: Changed = {}): Promise<string[]> {
    return (await this.found(check, changed)).map(({ severity, side, message }) => `${severity}, ${side}: ${message}`)
  }

  /** Types the commands of those that are found and block, and then none of them is. */
  async follow(check: PreflightCheckId, as: 'session' | 'root' = 'session', changed: Changed = {}): Promise<void> {
    for (const { side, severity, command } of await this.found(check, changed)) {
      if (severity === 'blocks') await this[side][as].execute(command.replace(/ -- .*$/, ''))
    }
    expect((await this.found(check, changed)).filter(({ severity }) => severity === 'blocks')).toEqual([])
  }
}
