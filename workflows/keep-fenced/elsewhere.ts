/** What other places of the network meet at the address of an instance that its cloud calls stopped. One place that meets silence cannot tell a server that is gone from a
 *  path that is cut. */
import { patched, sleep } from '@temporalio/workflow'
import type { Probe } from '../../contracts/failover'
import type { CloudFenceProof } from '../../contracts/instance-fence'

/** Knocks once from each of the other places. Never rejects but with what ends the operation. */
export type Elsewhere = () => Promise<readonly Probe[]>

/** Proven by ourselves is: the instance is gone, or its machine told ours that nobody listens. Then others are not waited for longer. */
const GRACE_MS = 500

/** `own` and the others at the same time. `afterwards`: is given what nobody waits for. */
export async function judgedFromAll(
  own: Promise<CloudFenceProof>,
  elsewhere: Elsewhere | undefined,
  afterwards?: (done: Promise<unknown>) => void,
): Promise<CloudFenceProof> {
  if (elsewhere === undefined || !patched('knocks-from-elsewhere')) return own
  const knocking = elsewhere()
  knocking.catch(() => undefined)
  const proof = await own
  if (!proof.proven) return withElsewhere(proof, await knocking)
  afterwards?.(knocking.catch(() => undefined))
  return withElsewhere(proof, await Promise.race([knocking, sleep(GRACE_MS).then(() => [])]))
}

/** Pure. Whoever is answered anywhere is proof of the contrary; where the machine tells one that nobody listens, silence to others is a matter of their paths. Of one
 *  that is gone another may have the address. */
export function withElsewhere(proof: CloudFenceProof, knocks: readonly Probe[]): CloudFenceProof {
  if (proof.gone || knocks.length === 0) return proof
  const evidence = [...proof.evidence, ...knocks.map(met)]
  const spoke = knocks.some(({ outcome }) => outcome === 'answered' || outcome === 'served')
  const { silence, ...rest } = proof
  if (spoke) return { ...rest, newConnectionsRefused: false, oldOnesDead: false, proven: false, evidence }
  if (silence === undefined || !knocks.some(({ refused }) => refused)) return { ...proof, evidence }
  return { ...rest, newConnectionsRefused: true, oldOnesDead: true, proven: true, evidence }
}

/** Pure. Of what was proven to have ended, silence is no sign that it was started since; whoever is answered anywhere is. */
export function holdsStill({ proven, silence }: Pick<CloudFenceProof, 'proven' | 'silence'>): boolean {
  return proven || silence === true
}

const met = ({ from, outcome, said }: Probe): string => `From ${from}: ${outcome}, ${said}.`
