/** What would hurt, out of what an instance's cloud says of it. Only what is certain is a finding; what its API does not tell is named. */
import type { InstanceDescription, NetworkExposure, SnapshotDescription, WideRule } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { Severity } from '../../contracts/health'
import type { CloudAnswer } from '../../contracts/scout'
import { commandsFor } from './vendor-commands'

export interface Surveyed {
  readonly entry: DatabaseEntry
  readonly found: InstanceDescription
  readonly exposure: NetworkExposure
  /** Where the cloud takes none by itself: those that somebody asked for. */
  readonly snapshots: readonly SnapshotDescription[]
  /** Whether the cloud has it as a setting of an instance. */
  readonly deletionProtection: boolean
  readonly now: Date
}

type Finding = CloudAnswer['findings'][number]
type Check = Finding['check']

export function judgeInstance(surveyed: Surveyed): CloudAnswer {
  return joined([judgeExposure(surveyed), judgeBackups(surveyed), judgeProtection(surveyed)])
}

function joined(answers: readonly CloudAnswer[]): CloudAnswer {
  return {
    findings: answers.flatMap(({ findings }) => findings),
    notKnown: answers.flatMap(({ notKnown }) => notKnown),
  }
}

const NOTHING: CloudAnswer = { findings: [], notKnown: [] }

function finding(check: Check, severity: Severity, told: Pick<Finding, 'message' | 'why' | 'command'>): CloudAnswer {
  return { findings: [{ check, severity, database: null, object: null, ...told }], notKnown: [] }
}

function unknown(check: Check, why: string): CloudAnswer {
  return { findings: [], notKnown: [{ check, database: null, why }] }
}

function judgeExposure({ entry, exposure }: Surveyed): CloudAnswer {
  const { publicAddress, wideRules, undecided, clearText } = exposure
  if (!publicAddress) return NOTHING
  const open = wideRules.filter(({ whom }) => whom === 'internet')
  const customers = wideRules.filter(({ whom }) => whom === 'customers')
  const commands = commandsFor(entry)
  const deciding = undecided.join(', ')
  const told: CloudAnswer[] = []
  if (open.length > 0) {
    const clear = clearText === true ? ', and it takes connections in clear text' : ''
    told.push(
      finding('public-endpoint', 'critical', {
        message: `Its network rules let in the internet, or much of it: ${open.map(ruleInWords).join(', ')}${clear}.`,
        why: 'Anybody anywhere may try passwords, and every hole that PostgreSQL will ever have.',
        command: commands.closeTo(open),
      }),
    )
  }
  if (customers.length > 0) {
    told.push(
      finding('public-endpoint', 'warning', {
        message: `Its network rules let in whatever runs in that cloud, of every customer: ${customers.map(ruleInWords).join(', ')}.`,
        why: 'Whoever rents a machine there may try passwords.',
        command: commands.closeTo(customers),
      }),
    )
  }
  if (undecided.length > 0) {
    told.push(
      unknown('public-endpoint', `Who may use its address on the internet is up to ${deciding}, which was not looked into.`),
    )
  }
  if (undecided.length > 0 && open.length === 0) {
    told.push(
      finding('public-endpoint', 'warning', {
        message: `It has an address on the internet; who may use it is up to ${deciding}.`,
        why: 'One rule too wide, and anybody anywhere may try passwords.',
        command: commands.showRules(undecided),
      }),
    )
  }
  return joined(told)
}

function ruleInWords({ name, range }: WideRule): string {
  return name === '' ? range : `${range} (${name})`
}

const DAY_MS = 86_400_000

function judgeBackups({ entry, found, snapshots, now }: Surveyed): CloudAnswer {
  const { automaticBackups, replicaOf } = found
  if (replicaOf !== null) {
    return unknown('backups', `It is a read replica: what counts are the backups of ${replicaOf}; scout that one.`)
  }
  const commands = commandsFor(entry)
  if (!automaticBackups.taken) {
    const taken = snapshots.flatMap(({ state, createdAt }) => (state === 'ready' && createdAt !== null ? [createdAt] : []))
    const newest = taken.sort().at(-1)
    const message =
      newest === undefined
        ? 'Its cloud takes no backups of it by itself, and there is no snapshot that somebody took.'
        : `Its cloud takes no backups of it by itself; the newest snapshot that somebody took is of ${newest}.`
    return finding('backups', newest !== undefined && now.getTime() - Date.parse(newest) < DAY_MS ? 'warning' : 'critical', {
      message,
      why: 'Unless it is kept elsewhere too, as dumps or by a service for backups, whatever was written since is lost with the instance.',
      command: commands.takeBackups(),
    })
  }
  if (automaticBackups.log) return NOTHING
  return finding('backups', 'warning', {
    message: 'Its cloud takes backups, but keeps no log between them.',
    why: 'It can be restored to the moment of a backup only: up to a day of writes is lost.',
    command: commands.keepLog(),
  })
}

function judgeProtection({ entry, found, deletionProtection }: Surveyed): CloudAnswer {
  if (!deletionProtection) {
    const why = `A server has no such setting in this cloud; whether a lock of its resource manager is on ${found.name} was not asked.`
    return unknown('deletion-protection', why)
  }
  if (found.deletionProtected) return NOTHING
  return finding('deletion-protection', 'warning', {
    message: 'It is not protected from deletion.',
    why: 'One call, or one plan of Terraform that nobody read, deletes it, and unless that is told otherwise its automatic backups too.',
    command: commandsFor(entry).protect(),
  })
}
