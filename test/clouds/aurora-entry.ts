/** A database of the cluster `orders`, as a fleet file names it. */
import type { DatabaseEntry } from '../../contracts/fleet'

const connection = { user: 'boss', secret: 'env:X', host: null, port: null, tls: 'require' } as const
export const ORDERS: DatabaseEntry = {
  ...{ name: 'orders', account: '000000000000', region: 'us-east-1', instance: 'orders', database: 'shop', environment: 'test' },
  ...{ labels: {}, connections: { admin: connection, migrator: connection }, migrations: null },
  checks: { rowCounts: [], invariants: [], smoke: [] },
  policy: {
    approval: 'none',
    limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
    ...{ lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
  },
  ...{ cloud: 'aws', aurora: true, canary: { securityGroups: [], instanceClass: null } },
}
