/** Parameters of one server, as the API tells of them. */
import { type Call, childNotFound } from './cloud'
import { AzureError } from './errors'
import type { FlexibleParameter, FlexibleParameters } from './parameters'
import type { AzureServer } from './state'
import { child } from './views'

/** @throws AzureError ServerIsNotReady while the first server of its version is being made. */
export async function parametersFor({ cloud }: Call, server: AzureServer): Promise<FlexibleParameters> {
  if (server.createdAt !== null) return cloud.parameters.of(server.major)
  throw new AzureError(
    'ServerIsNotReady',
    `Operation can only be performed on Started servers. Server Name = ${server.name}, Current Server State = ${server.state}`,
  )
}

/** The one that the path names. @throws AzureError ResourceNotFound. */
export async function findParameter(call: Call, server: AzureServer): Promise<FlexibleParameter> {
  const name = call.path.child ?? ''
  const found = (await parametersFor(call, server)).get(name.toLowerCase())
  if (!found) throw childNotFound(server, 'configurations', name)
  return found
}

export function configurationView(server: AzureServer, parameter: FlexibleParameter): object {
  const { name, dataType, description, defaultValue, allowedValues, unit, dynamic, readOnly } = parameter
  const override = server.configurations[name]
  return child(server, 'configurations', name, {
    value: override ?? defaultValue,
    description,
    defaultValue,
    dataType,
    ...(allowedValues !== undefined && { allowedValues }),
    source: override === undefined ? 'system-default' : 'user-override',
    isDynamicConfig: dynamic,
    isReadOnly: readOnly,
    isConfigPendingRestart: server.running[name] !== override,
    ...(unit !== undefined && { unit }),
    documentationLink: `https://www.postgresql.org/docs/${server.major}/runtime-config.html`,
  })
}
