/** What a snapshot has to be, and what a copy of it in another region. Pure. */
import type { SnapshotDescription } from '../../clouds/port'
import type { SnapshotCopyPolicy } from '../../contracts/fleet'
import type { Finding } from '../../contracts/operation'
import type { SnapshotPlan } from '../../contracts/snapshot'

type Planned = Pick<SnapshotPlan, 'instance' | 'instanceId' | 'storage'>

export function judgeSnapshot(found: SnapshotDescription, plan: Planned): Finding[] {
  return [...judgeInstance(found, plan), ...judgeEncryption(found, plan), ...judgeSize(found, plan)]
}

/** A key is of one region: the copy's is another than the instance's, and an unencrypted snapshot may have an encrypted copy. */
export function judgeCopy(found: SnapshotDescription, plan: Planned, wanted: SnapshotCopyPolicy): Finding[] {
  const encryption = plan.storage.encrypted || wanted.key !== null ? judgeKey(found, wanted) : judgeEncryption(found, plan)
  return [...judgeInstance(found, plan), ...encryption, ...judgeSize(found, plan)]
}

function judgeInstance(found: SnapshotDescription, plan: Planned): Finding[] {
  if (found.instanceId === plan.instanceId) return []
  const message = `Snapshot ${found.name} is of instance ${found.instance} (${found.instanceId}), planned was ${plan.instance} (${plan.instanceId}): the instance was replaced meanwhile.`
  return [{ rule: 'snapshot:instance', message }]
}

function judgeEncryption({ name, storage }: SnapshotDescription, plan: Planned): Finding[] {
  if (storage.encrypted !== plan.storage.encrypted) {
    const word = (encrypted: boolean): string => (encrypted ? 'encrypted' : 'not encrypted')
    const message = `Snapshot ${name} is ${word(storage.encrypted)}, the instance is ${word(plan.storage.encrypted)}.`
    return [{ rule: 'snapshot:encryption', message }]
  }
  if (storage.key === plan.storage.key) return []
  const message = `Snapshot ${name} is encrypted with ${storage.key ?? 'no named key'}, the instance with ${plan.storage.key ?? 'no named key'}.`
  return [{ rule: 'snapshot:encryption-key', message }]
}

function judgeKey({ name, storage }: SnapshotDescription, { region, key }: SnapshotCopyPolicy): Finding[] {
  const asked = key ?? 'the default key'
  if (!storage.encrypted) {
    return [{ rule: 'snapshot:encryption', message: `Snapshot ${name} in ${region} is not encrypted, asked for was ${asked}.` }]
  }
  const measured = storage.key ?? 'no named key'
  if (isKey(measured, region, key)) return []
  const message = `Snapshot ${name} in ${region} is encrypted with ${measured}, asked for was ${asked} of that region.`
  return [{ rule: 'snapshot:encryption-key', message }]
}

/** Clouds answer with the key itself. Which one an alias stands for only its own service knows: then the region is all that can be told. */
function isKey(measured: string, region: string, asked: string | null): boolean {
  if (measured === asked) return true
  const [, home, id] = /^arn:[a-z-]+:kms:([a-z0-9-]+):[0-9]+:key\/(.+)$/.exec(measured) ?? []
  if (asked === null || /^(arn:[^/]+:)?alias\//.test(asked))
    return home === undefined ? asked === null && measured === DEFAULT_KEY : home === region
  return home === region && id === asked
}

/** As a cloud may name what nobody chose. */
const DEFAULT_KEY = 'alias/aws/rds'

function judgeSize({ name, storage }: SnapshotDescription, plan: Planned): Finding[] {
  const [measured, allowed] = [storage.sizeGib, plan.storage.sizeGib]
  if (measured === null || allowed === null || measured >= allowed) return []
  const message = `Snapshot ${name} is of ${measured} GiB of storage, the instance had ${allowed} GiB.`
  return [{ rule: 'snapshot:size', message, measured, allowed }]
}
