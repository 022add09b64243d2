/** A PostgreSQL of the test's own with a ledger in one of its databases; registers its start and its end. */
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from '../ledger/postgres-server'

export interface WithLedger {
  readonly server: TestServer
  readonly ledgerUrl: string
  readonly ledger: Ledger
}

/** What it holds is there once the tests run. */
export function withLedger(): WithLedger {
  const held: { -readonly [Part in keyof WithLedger]?: WithLedger[Part] } = {}
  beforeAll(async () => {
    held.server = await startTestServer()
    held.ledgerUrl = await held.server.freshDatabase()
    held.ledger = openLedger({ url: held.ledgerUrl })
    await held.ledger.migrate()
  })
  afterAll(async () => {
    await held.ledger?.close()
    await held.server?.stop()
  })
  return held as WithLedger
}
