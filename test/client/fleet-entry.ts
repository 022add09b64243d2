/** A fleet entry as it is parsed. */
import type { DatabaseEntry } from '../../contracts/fleet'

const role = { user: 'r', secret: 'env:R', host: null, port: null, tls: 'require' } as const
export const fleetEntry = (name: string, more: { region?: string; instance?: string } = {}): DatabaseEntry => ({
  ...{ name, cloud: 'aws', account: '123456789012', region: 'eu-central-1', instance: `${name}-db`, database: name, ...more },
  ...{ environment: 'production', labels: {}, connections: { admin: role, migrator: role }, migrations: null },
  checks: { rowCounts: [], invariants: [], smoke: [] },
  policy: {
    ...{ approval: 'none', lockTimeoutMs: 1, lockAttempts: 1, bakeSeconds: 0, snapshotRetentionHours: 1 },
    limits: { writeBlockMsMax: null, rewriteRowsMax: null, statementMsMax: null, walBytesMax: null },
  },
  canary: { securityGroups: ['sg-1'], instanceClass: null },
})
