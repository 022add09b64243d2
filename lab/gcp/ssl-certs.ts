/** Client certificates of an instance: what is remembered of them, and how a change of them reaches its server. */
import { atLeast } from '../profile'
import type { Outcome } from '../tasks'
import { specOf } from './cloud'
import type { SqlInstance, SslCertRecord } from './state'
import { lasts, type TaskOf, type Work } from './work'

export function sslCertsOf({ sslCerts }: SqlInstance): SslCertRecord[] {
  return Object.values(sslCerts ?? {})
}

/** Sessions that were let in before stay. One that is down learns it when it starts. */
export async function performChangeSslCerts(work: Work, { certs, resets }: TaskOf<'change-ssl-certs'>): Promise<Outcome> {
  const { cloud, instance } = work
  instance.sslCerts = certs
  instance.sslResets = resets
  await cloud.save()
  await atLeast(cloud.servers.configure(specOf(cloud, instance)), lasts(work, 'itemMs'))
  return () => {}
}
