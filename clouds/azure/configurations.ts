/** Parameters of a server, each a resource of its own. One a call, since a server takes one change at a time. */
import type { Configuration } from '@azure/arm-postgresql-flexible'
import { failure } from '../../contracts/failures'
import type { CallOptions, ChangeOptions, Started } from '../port'
import type { Azure } from './client'
import { isUnderWay, underWay } from './under-way'

export async function configuration(azure: Azure, server: string, name: string, options: CallOptions): Promise<Configuration> {
  return azure.ask('Configurations_Get', options, (sdk, request) =>
    sdk.configurations.get(azure.groupOf(server), server, name, request),
  )
}

const OVERRIDE = 'user-override'

interface Setting {
  readonly server: string
  readonly name: string
  readonly value: string
  readonly source?: string
}

function configure(azure: Azure, { server, name, value, source = OVERRIDE }: Setting, options: ChangeOptions): Promise<Started> {
  return azure.start('Configurations_Update', options, (sdk, request) =>
    sdk.configurations.beginUpdate(azure.groupOf(server), server, name, { value, source }, request),
  )
}

async function settable(azure: Azure, server: string, options: CallOptions): Promise<Configuration[]> {
  return azure.ask('Configurations_ListByServer', options, async (sdk, request) => {
    const found: Configuration[] = []
    for await (const one of sdk.configurations.listByServer(azure.groupOf(server), server, request)) {
      if (one.isReadOnly !== true) found.push(one)
    }
    return found
  })
}

/** Those that somebody set. */
export async function overridesOf(azure: Azure, server: string, options: CallOptions): Promise<Record<string, string>> {
  const own = (await settable(azure, server, options)).filter(({ source }) => source === OVERRIDE)
  return Object.fromEntries(own.map(({ name = '', value = '' }) => [name, value]))
}

/** Of those that `which` says: the ones with a value have it, the others their default. A call does one. @throws CLOUD_REFUSED for a value of none. */
export async function alignOverrides(
  azure: Azure,
  { server, values, which }: { server: string; values: Readonly<Record<string, string>>; which: (name: string) => boolean },
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  if (await isUnderWay(azure, `${server}/configuration`, options)) return { done: false, restartNeeded: false }
  const concerned = (await settable(azure, server, options)).filter(({ name = '' }) => which(name))
  const unknown = Object.keys(values).filter((name) => which(name) && !concerned.some((one) => one.name === name))
  if (unknown.length > 0) {
    throw failure('CLOUD_REFUSED', `Server ${server} has no ${unknown.join(', ')} that could be set.`, { server })
  }
  for (const { name = '', value, source, defaultValue = '' } of concerned) {
    const wanted = values[name]
    const is = wanted === undefined ? source !== OVERRIDE : value === wanted
    if (is) continue
    const setting = wanted === undefined ? { value: defaultValue, source: 'system-default' } : { value: wanted }
    underWay(azure, `${server}/configuration`, await configure(azure, { server, name, ...setting }, options))
    return { done: false, restartNeeded: false }
  }
  return { done: true, restartNeeded: concerned.some(({ isConfigPendingRestart }) => isConfigPendingRestart === true) }
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
