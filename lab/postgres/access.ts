/** `pg_hba.conf` as a network: the administrator from the lab's own address and from nowhere else, everybody else from the
 *  allowed networks, with a password. Replicas come from the address that every program on loopback comes from, since libpq cannot
 *  choose one: from there the administrator may stream the log, with its password, and do nothing else; such a connection takes
 *  no SQL. Written as a whole each time. */
import { join } from 'node:path'
import { replaceFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'
import type { FrontSpec } from './spec'

export interface AccessRules {
  administrator: string
  /** The lab's own address. */
  administratorAddress: string
  /** Source networks, each 'a.b.c.d/n'. */
  networks: readonly string[]
  /** What customers are asked for; their choice when left out. */
  encryption?: 'required' | 'mutual' | undefined
  /** Members of `role` get in over TLS with a certificate of the lab's own, and with nothing else; not so `exempt`. No replicas. */
  certified?: Pick<FrontSpec, 'role' | 'exempt'> | undefined
}

const REPLICAS = '127.0.0.1'

export function accessFile(rules: AccessRules): string {
  const { administrator } = rules
  const lines = [
    `host all ${administrator} ${rules.administratorAddress}/32 scram-sha-256`,
    `host replication ${administrator} ${REPLICAS}/32 scram-sha-256`,
    `host all ${administrator} 0.0.0.0/0 reject`,
    // `all` means databases: streaming is none of them
    `host replication ${administrator} 0.0.0.0/0 reject`,
    `host ${administrator} all 0.0.0.0/0 reject`,
    ...rules.networks.flatMap((network) => customerLines(network, rules)),
  ]
  return `${lines.join('\n')}\n`
}

/** The first line that fits decides. */
function customerLines(network: string, { encryption, certified }: AccessRules): string[] {
  const customers = encryption === undefined ? 'host' : 'hostssl'
  const how = encryption === 'mutual' ? 'scram-sha-256 clientcert=verify-ca' : 'scram-sha-256'
  const passwords = (who: string): string[] =>
    ['all', 'replication'].map((what) => `${customers} ${what} ${who} ${network} ${how}`)
  if (!certified) return passwords('all')
  const { role, exempt } = certified
  return [
    ...(exempt === undefined ? [] : passwords(`"${exempt}"`)),
    `hostssl all +${role} ${network} cert`,
    `host all +${role} ${network} reject`,
    `host replication +${role} ${network} reject`,
    ...passwords('all'),
  ]
}

export function writeAccessRules(dataDir: string, rules: AccessRules): void {
  replaceFile(join(dataDir, 'pg_hba.conf'), accessFile(rules), serverUser())
}
