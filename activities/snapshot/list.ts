/** An instance's snapshots for people: what each is, whose it is, and why it stays. */
import type { IsoInstant, Sha256 } from '../../contracts/operation'
import { documentOf, type ListedSnapshot, type RetentionRecord, type SnapshotList } from '../../contracts/snapshot'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { findTarget } from '../target'
import { cloudIn, unlessOutOfReach } from './region'
import { type JudgedSnapshot, judgeSeries } from './series'

export async function listSnapshots(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  bundle: Sha256,
): Promise<SnapshotList> {
  const { database } = await ledger.getBundle(bundle)
  const { name, instance, policy } = database
  const now = new Date().toISOString()
  const listedIn = async (region: string | null, instanceId: string): Promise<ListedSnapshot[]> => {
    const cloud = cloudIn(cloudOf, database, region)
    const series = { ledger, cloud, cloudName: database.cloud, region, instanceId, operation: null, now }
    return Promise.all((await judgeSeries(series)).map((one) => listed(ledger, one, region, now)))
  }
  const atHome = async () => {
    const { instanceId } = await findTarget(cloudOf, database, { signal: currentAct().signal })
    return { instanceId, listed: await listedIn(null, instanceId) }
  }
  const facts = { version: 1 as const, database: name, instance }
  if (policy.snapshotCopies === undefined) {
    const { instanceId, listed: snapshots } = await atHome()
    return { ...facts, instanceId, snapshots }
  }
  // What copies are for is the day on which their source's region cannot be asked: then the ledger knows whose they are.
  const home = await unlessOutOfReach(atHome)
  const instanceId = home.found?.instanceId ?? null
  const of = instanceId === null ? await ledger.listKnownInstances({ database: name, cloud: database.cloud }) : [instanceId]
  const elsewhere = await Promise.all(
    policy.snapshotCopies.map(async ({ region }) => {
      const asked = await unlessOutOfReach(() => Promise.all(of.map((id) => listedIn(region, id))))
      return { region, asked }
    }),
  )
  if (home.found === null && elsewhere.every(({ asked }) => asked.found === null)) throw home.said
  const places = [{ region: database.region, why: home.why }, ...elsewhere.map(({ region, asked: { why } }) => ({ region, why }))]
  const unreached = places.flatMap(({ region, why }) => (why === null ? [] : [{ region, why }]))
  const snapshots = [...(home.found?.listed ?? []), ...elsewhere.flatMap(({ asked }) => asked.found?.flat() ?? [])]
  return { ...facts, instanceId, snapshots, ...(unreached.length > 0 && { unreached }) }
}

async function listed(
  ledger: Ledger,
  { description, facts: { origin }, standing }: JudgedSnapshot,
  region: string | null,
  now: IsoInstant,
): Promise<ListedSnapshot> {
  const { name, cloudState: state, createdAt, owner, storage } = description
  const facts = { ...(region !== null && { region }), name, state, createdAt, sizeGib: storage.sizeGib, standing }
  if (owner === null || standing === 'not-ours') return { ...facts, expiresAt: null, operation: null, step: null }
  const { operation, step } = owner
  const expiresAt = origin === null ? owner.expiresAt : origin.expiresAt
  const retention = (await ledger.getDocument({ operation, name: documentOf('retention', region) })) as RetentionRecord | null
  const ours = { ...facts, expiresAt, operation, step }
  if (retention === null) return ours
  const left = retention.generations.filter(({ until }) => until > now)
  return { ...ours, generations: left.map(({ generation }) => generation) }
}
