/** What a person types about an instance, with each cloud's own command line. Shown and never run by us. */
import type { WideRule } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'

export interface VendorCommands {
  /** Shuts out whom these rules let in. */
  closeTo(rules: readonly WideRule[]): string
  /** `deciding`: as `NetworkExposure.undecided` words it. */
  showRules(deciding: readonly string[]): string
  takeBackups(): string
  keepLog(): string
  protect(): string
  /** With a last backup where the cloud keeps one. `isProtected`: by the cloud, from deletion. */
  remove(isProtected: boolean): readonly string[]
}

const BEFORE = '# first let in the networks of whoever connects'

export function commandsFor(entry: DatabaseEntry): VendorCommands {
  switch (entry.cloud) {
    case 'aws':
      return awsCommands(entry)
    case 'azure':
      return azureCommands(entry)
    case 'gcp':
      return gcpCommands(entry)
  }
}

function awsCommands({ region, instance, aurora }: Extract<DatabaseEntry, { cloud: 'aws' }>): VendorCommands {
  const kind = aurora ? 'cluster' : 'instance'
  const modify = (options: string): string =>
    `aws rds modify-db-${kind} --region ${word(region)} --db-${kind}-identifier ${word(instance)} ${options}`
  const takeBackups = () => modify('--backup-retention-period 7 --apply-immediately')
  return {
    closeTo: () => modify('--no-publicly-accessible --apply-immediately'),
    showRules(deciding) {
      const groups = deciding.map((words) => word(words.split(' ').at(-1) ?? '')).join(' ')
      return `aws ec2 describe-security-groups --region ${word(region)} --group-ids ${groups} # look for 0.0.0.0/0 and ::/0`
    },
    takeBackups,
    keepLog: takeBackups,
    protect: () => modify('--deletion-protection'),
    remove: (isProtected) => [
      ...(isProtected ? [modify('--no-deletion-protection --apply-immediately')] : []),
      `aws rds delete-db-${kind} --region ${word(region)} --db-${kind}-identifier ${word(instance)} --final-db-snapshot-identifier ${word(`${instance}-last`)} --no-delete-automated-backups${aurora ? ' # once its members are deleted, each by delete-db-instance' : ''}`,
    ],
  }
}

function azureCommands(entry: Extract<DatabaseEntry, { cloud: 'azure' }>): VendorCommands {
  const { account, resourceGroup, instance } = entry
  const id = `/subscriptions/${account}/resourceGroups/${resourceGroup}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${instance}`
  const show = `az resource show --ids ${word(id)}`
  return {
    closeTo: (rules) =>
      `az resource delete --ids ${rules.map(({ name }) => word(`${id}/firewallRules/${name}`)).join(' ')} ${BEFORE}`,
    showRules: () => show,
    takeBackups: () => show,
    keepLog: () => show,
    protect: () => `az lock create --lock-type CanNotDelete --name no-deletion --resource ${word(id)}`,
    remove: (isProtected) => [
      ...(isProtected ? [`az lock list --resource ${word(id)} # then az lock delete, by its name`] : []),
      `az resource delete --ids ${word(id)} # its backups go with it, and Azure brings it back for five days at most`,
    ],
  }
}

function gcpCommands({ account, instance }: DatabaseEntry): VendorCommands {
  const patch = (options: string): string => `gcloud sql instances patch ${word(instance)} --project ${word(account)} ${options}`
  const describe = `gcloud sql instances describe ${word(instance)} --project ${word(account)}`
  return {
    closeTo: (rules) =>
      `${patch('--authorized-networks=NETWORK,…')} # the whole list, without ${rules.map(({ range }) => range).join(', ')}`,
    showRules: () => describe,
    takeBackups: () => patch('--backup-start-time=03:00'),
    keepLog: () => `${patch('--enable-point-in-time-recovery')} # it restarts`,
    protect: () => patch('--deletion-protection'),
    remove: (isProtected) => [
      `${patch('--retain-backups-on-delete')} # without it all its backups but the last go with it`,
      ...(isProtected ? [patch('--no-deletion-protection')] : []),
      `gcloud sql instances delete ${word(instance)} --project ${word(account)} --enable-final-backup --final-backup-retention-days=30 # after 30 days that backup is gone, too`,
    ],
  }
}

/** As a shell takes it. */
function word(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
