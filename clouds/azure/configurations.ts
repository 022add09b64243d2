/** Parameters of a server, each a resource of its own. One a call, since a server takes one change at a time. */
import type { Configuration } from '@azure/arm-postgresql-flexible'
import type { CallOptions, ChangeOptions, Started } from '../port'
import type { Azure } from './client'
import { isUnderWay, underWay } from './under-way'

export async function configuration(azure: Azure, server: string, name: string, options: CallOptions): Promise<Configuration> {
  return azure.ask('Configurations_Get', options, (sdk, request) =>
    sdk.configurations.get(azure.config.resourceGroup, server, name, request),
  )
}

function configure(
  azure: Azure,
  { server, name, value }: { server: string; name: string; value: string },
  options: ChangeOptions,
): Promise<Started> {
  return azure.start('Configurations_Update', options, (sdk, request) =>
    sdk.configurations.beginUpdate(azure.config.resourceGroup, server, name, { value, source: 'user-override' }, request),
  )
}

export async function alignConfigurations(
  azure: Azure,
  { server, parameters }: { server: string; parameters: Readonly<Record<string, string>> },
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  if (await isUnderWay(azure, `${server}/configuration`, options)) return { done: false, restartNeeded: false }
  let restartNeeded = false
  for (const [name, value] of Object.entries(parameters)) {
    const standing = await configuration(azure, server, name, options)
    if (standing.value !== value) {
      underWay(azure, `${server}/configuration`, await configure(azure, { server, name, value }, options))
      return { done: false, restartNeeded: false }
    }
    restartNeeded ||= standing.isConfigPendingRestart === true
  }
  return { done: true, restartNeeded }
}
