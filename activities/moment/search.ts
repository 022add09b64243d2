/** The search's plan: asked of the cloud, and kept in the ledger. */
import { FIND_MOMENT_DOCUMENTS, type MomentRequest, type SearchPlan } from '../../contracts/find-moment'
import { seekLastGood } from '../../contracts/last-good'
import { sha256Of } from '../../ledger/digest'
import { assertMayAct, currentAct } from '../act'
import { expectedMs } from '../backup/history'
import type { ActivityDeps } from '../deps'
import { sourceAddress } from '../instance/address'
import { copyClass } from '../instance/copy-request'
import { assertWithin, requireWindow } from '../instance/restorable'
import { assertVouchedFor } from '../instance/vouched-for'
import { findTarget } from '../target'
import type { SearchActivities } from './contract'

type Deps = Pick<ActivityDeps, 'ledger' | 'cloudOf'>

export function createSearchActivities({ ledger, cloudOf }: Deps): SearchActivities {
  return {
    async planSearch({ operation, bundle, request }) {
      const { database } = await ledger.getBundle(bundle)
      const options = { signal: currentAct().signal }
      const cloud = cloudOf(database)
      const source = await findTarget(cloudOf, database, options)
      const { name, instanceId, engineVersion, instanceClass, storage } = source
      const window = requireWindow(source, cloud.capabilities.restoreToTime ? await cloud.restoreWindow({ name }, options) : null)
      for (const at of [request.from, request.to]) assertWithin(source, window, at)
      const inertCopy = cloud.capabilities.inertCopy.toTime
      assertVouchedFor(source, inertCopy, request.wasDormant)
      const body = {
        ...{ version: 1 as const, bundle, instance: name, instanceId, engineVersion, window, request, inertCopy },
        restoresMax: restoresMax(request),
        copy: {
          instanceClass: copyClass(database, cloud.capabilities, 'toTime') ?? instanceClass,
          sizeGib: storage.sizeGib,
        },
        expectedMsEach: await expectedMs(ledger, database.name, { kind: 'moment' }),
      }
      const document: SearchPlan = { ...body, digest: sha256Of(body) }
      assertMayAct()
      await ledger.putDocument({ operation, name: FIND_MOMENT_DOCUMENTS.plan, document })
      return {
        digest: document.digest,
        restoresMax: body.restoresMax,
        source: sourceAddress(source),
        afterStart: inertCopy === 'after-start',
      }
    },
  }
}

function restoresMax({ from, to, precisionMs }: MomentRequest): number {
  const first = seekLastGood({ earliest: from, latest: to, resolutionMs: precisionMs, looks: [] })
  return first.kind === 'look' ? first.looksLeft : 0
}
