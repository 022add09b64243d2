/** tiers.list: the machine types that have a name of their own. */
import type { Operation } from '../cloud'
import type { Json } from '../protocol/json'
import { TIERS } from '../tiers'

const REGIONS = ['us-central1', 'us-east1', 'us-west1', 'europe-west1', 'europe-west3', 'asia-east1', 'asia-northeast1']

export const listTiers: Operation = async () => {
  const items = TIERS.map(({ tier, ramMib, diskQuotaGib }) => ({
    kind: 'sql#tier',
    tier,
    RAM: String(ramMib * 2 ** 20),
    DiskQuota: String(diskQuotaGib * 2 ** 30),
    region: REGIONS,
  }))
  return { kind: 'sql#tiersList', items: items as Json[] }
}
