/** `pg_hba.conf` as a network: the administrator from the lab's own address and from nowhere else, everybody else from the
 *  allowed networks, with a password. Written as a whole each time. */
import { join } from 'node:path'
import { replaceFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'

export interface AccessRules {
  administrator: string
  /** The lab's own address. */
  administratorAddress: string
  /** Source networks, each 'a.b.c.d/n'. */
  networks: readonly string[]
}

export function accessFile(rules: AccessRules): string {
  const { administrator } = rules
  const lines = [
    `host all ${administrator} ${rules.administratorAddress}/32 scram-sha-256`,
    `host all ${administrator} 0.0.0.0/0 reject`,
    `host ${administrator} all 0.0.0.0/0 reject`,
    ...rules.networks.flatMap((network) => [
      `host all all ${network} scram-sha-256`,
      `host replication all ${network} scram-sha-256`,
    ]),
  ]
  return `${lines.join('\n')}\n`
}

export function writeAccessRules(dataDir: string, rules: AccessRules): void {
  replaceFile(join(dataDir, 'pg_hba.conf'), accessFile(rules), serverUser())
}
