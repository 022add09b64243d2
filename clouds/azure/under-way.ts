/** What this process began on something that does not show it: a rule or a parameter may be listed before it holds. Whoever does not know, since
 *  an answer was lost or another worker began it, goes by what is listed. */
import type { CallOptions, Started } from '../port'
import type { Azure } from './client'

export async function isUnderWay(azure: Azure, what: string, options: CallOptions): Promise<boolean> {
  const operation = azure.begun.get(what)
  if (operation === undefined) return false
  if ((await azure.describeOperation(operation, options)).state === 'running') return true
  azure.begun.delete(what)
  return false
}

export function underWay(azure: Azure, what: string, { operation }: Started): void {
  if (operation !== null) azure.begun.set(what, operation)
}
