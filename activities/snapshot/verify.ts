/** What a snapshot has to be. Pure. */
import type { SnapshotDescription } from '../../clouds/port'
import type { Finding } from '../../contracts/operation'
import type { SnapshotPlan } from '../../contracts/snapshot'

export function judgeSnapshot(
  found: SnapshotDescription,
  plan: Pick<SnapshotPlan, 'instance' | 'instanceId' | 'storage'>,
): Finding[] {
  const findings: Finding[] = []
  const { name, storage } = found
  if (found.instanceId !== plan.instanceId) {
    const message = `Snapshot ${name} is of instance ${found.instance} (${found.instanceId}), planned was ${plan.instance} (${plan.instanceId}): the instance was replaced meanwhile.`
    findings.push({ rule: 'snapshot:instance', message })
  }
  if (storage.encrypted !== plan.storage.encrypted) {
    const word = (encrypted: boolean): string => (encrypted ? 'encrypted' : 'not encrypted')
    const message = `Snapshot ${name} is ${word(storage.encrypted)}, the instance is ${word(plan.storage.encrypted)}.`
    findings.push({ rule: 'snapshot:encryption', message })
  } else if (storage.key !== plan.storage.key) {
    const message = `Snapshot ${name} is encrypted with ${storage.key ?? 'no named key'}, the instance with ${plan.storage.key ?? 'no named key'}.`
    findings.push({ rule: 'snapshot:encryption-key', message })
  }
  const [measured, allowed] = [storage.sizeGib, plan.storage.sizeGib]
  if (measured !== null && allowed !== null && measured < allowed) {
    findings.push({
      rule: 'snapshot:size',
      message: `Snapshot ${name} is of ${measured} GiB of storage, the instance had ${allowed} GiB.`,
      measured,
      allowed,
    })
  }
  return findings
}
