/** What a team has in one cloud at the same time: a writer, its replica, a copy that was restored from a backup, and one as of a moment,
 *  such as a canary is rehearsed on. */
import type { DrivenCloud } from './cloud'

/** @returns their names; all rest, and let in the tests' address. */
export async function fourInstances(cloud: DrivenCloud): Promise<readonly string[]> {
  const ids = ['writer', 'reader', 'restored', 'canary']
  await ready(cloud, 'writer', () => cloud.create('writer'))
  await cloud.backUp('writer', 'kept')
  await cloud.rested('writer')
  await cloud.hasBackup('writer', 'kept')
  // Google restores over an instance that is there
  if (cloud.name === 'gcp') await ready(cloud, 'restored', () => cloud.create('restored'))
  await ready(cloud, 'restored', () => cloud.restore('restored', 'writer', 'kept'))
  await ready(cloud, 'canary', () => cloud.restoreToTime('canary', 'writer', new Date()))
  await ready(cloud, 'reader', () => cloud.replicate('reader', 'writer'))
  return ids
}

async function ready(cloud: DrivenCloud, id: string, begin: () => Promise<void>): Promise<void> {
  await begin()
  const rest = await cloud.rested(id)
  if (rest !== 'ready') throw new Error(`${cloud.name}: ${id} is ${rest}.`)
  await cloud.letIn(id)
  await cloud.rested(id)
}
