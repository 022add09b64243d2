/** `pg_hba.conf` as a network: the administrator from the lab's own address and from nowhere else, everybody else from the
 *  allowed networks, with a password. Replicas come from the address that every program on loopback comes from, since libpq cannot
 *  choose one: from there the administrator may stream the log, with its password, and do nothing else; such a connection takes
 *  no SQL. Written as a whole each time. */
import { join } from 'node:path'
import { replaceFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'

export interface AccessRules {
  administrator: string
  /** The lab's own address. */
  administratorAddress: string
  /** Source networks, each 'a.b.c.d/n'. */
  networks: readonly string[]
  /** Customers without TLS are refused. */
  encrypted?: boolean
}

const REPLICAS = '127.0.0.1'

export function accessFile(rules: AccessRules): string {
  const { administrator } = rules
  const customers = rules.encrypted ? 'hostssl' : 'host'
  const lines = [
    `host all ${administrator} ${rules.administratorAddress}/32 scram-sha-256`,
    `host replication ${administrator} ${REPLICAS}/32 scram-sha-256`,
    `host all ${administrator} 0.0.0.0/0 reject`,
    // `all` means databases: streaming is none of them
    `host replication ${administrator} 0.0.0.0/0 reject`,
    `host ${administrator} all 0.0.0.0/0 reject`,
    ...rules.networks.flatMap((network) => [
      `${customers} all all ${network} scram-sha-256`,
      `${customers} replication all ${network} scram-sha-256`,
    ]),
  ]
  return `${lines.join('\n')}\n`
}

export function writeAccessRules(dataDir: string, rules: AccessRules): void {
  replaceFile(join(dataDir, 'pg_hba.conf'), accessFile(rules), serverUser())
}
